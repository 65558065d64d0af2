from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages._uri import uri_problem

PART = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,8}[a-z0-9]", fullmatch=True)
PATHS = st.lists(PART, min_size=1, max_size=4).map("/".join)


@given(PATHS)
def test_plain_paths_may_be_opened(path: str) -> None:
    for uri in (path, f"/{path}", f"file:///{path}"):
        assert uri_problem(uri, ["file"]) == ""


@given(PATHS, PATHS, st.sampled_from(["..", "%2e%2e", "%2E.", ".%2e"]))
def test_no_path_leaves_its_folder(before: str, after: str, up: str) -> None:
    for uri in (f"{before}/{up}/{after}", f"/{up}/{after}", f"{up}/{after}", f"{before}\\..\\x"):
        assert uri_problem(uri, ["file"]) == "part '..'"


@given(PATHS, st.from_regex(r"[a-z][a-z0-9+.,-]{0,12}", fullmatch=True).filter("file".__ne__))
def test_a_scheme_must_be_allowed(path: str, scheme: str) -> None:
    for uri in (f"{scheme}://{path}", f"{scheme}:{path}", f"{scheme.upper()}:{path}"):
        assert uri_problem(uri, ["file"]) == f"scheme {scheme!r}"
        assert uri_problem(uri, ["file", scheme]) == ""


@given(st.text(max_size=30), st.sampled_from("\0\n\r\t\x7f\x85\ud800"), st.text(max_size=30))
def test_control_characters_are_refused(before: str, bad: str, after: str) -> None:
    assert uri_problem(before + bad + after, ["file"]) != ""


@pytest.mark.parametrize(
    ("uri", "problem"),
    [
        ("", "empty"),
        ("  ", "empty"),
        ("-i", "name begins with '-'"),
        ("%2dvf", "name begins with '-'"),
        ("videos/-x8Ksl.mp4", ""),
        ("videos/a:b.mp4", ""),
        ("a b/ü.mp4", ""),
        ("file:x.mp4", "empty"),
        ("file://host/x.mp4", "file uri without an absolute path"),
        ("file:///a%00b.mp4", "control character"),
        ("concat:a.mp4|b.mp4", "scheme 'concat'"),
        ("subfile,,start,0,end,9,,:/etc/passwd", "scheme 'subfile,,start,0,end,9,,'"),
        ("C:\\videos\\x.mp4", "scheme 'c'"),
        ("pipe:0", "scheme 'pipe'"),
    ],
)
def test_cases(uri: str, problem: str) -> None:
    assert uri_problem(uri, ["file"]) == problem
