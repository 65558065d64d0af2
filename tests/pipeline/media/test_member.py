from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.media.member import (
    Member,
    cell_of,
    container_kind,
    file_uri,
    local_path,
    member_of,
    member_uri,
)


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("a.mp4", None),
        ("take #3.mp4", None),
        ("a.tar", None),
        ("a.tarx#b.mp4", None),
        ("a.tar/b#c.mp4", None),
        ("x/a.tar#b.mp4", ("x/a.tar", "tar", "b.mp4")),
        ("x/A.TAR#b/c#d.mp4", ("x/A.TAR", "tar", "b/c#d.mp4")),
        ("a.zip#50%25.mp4", ("a.zip", "zip", "50%25.mp4")),
        ("a.parquet#mp4/17", ("a.parquet", "parquet", "mp4/17")),
        ("a.tar.gz#b.mp4", ("a.tar.gz", "compressed", "b.mp4")),
        ("a.tgz#b.mp4", ("a.tgz", "compressed", "b.mp4")),
        ("s3://b/a.tar#c.mp4", ("s3://b/a.tar", "tar", "c.mp4")),
        ("file:///x/a.tar#b%20c.mp4", ("file:///x/a.tar", "tar", "b c.mp4")),
        ("file:///x/a.tar%23b.mp4", None),
    ],
)
def test_the_first_mark_behind_the_suffix_of_a_container_ends_it(
    uri: str, expected: tuple[str, str, str] | None
) -> None:
    assert member_of(uri) == (expected and Member(*expected))  # type: ignore[arg-type]


PARTS = st.lists(st.sampled_from(["a", "/", ".tar", ".tar.gz", "#", "%23", "é", ".mp4"]))
PATHS = PARTS.map(lambda parts: "/" + "".join(parts))


@given(PATHS, st.sampled_from([".tar", ".zip", ".parquet"]), PATHS)
def test_what_a_member_is_called_leads_back_to_it(path: str, suffix: str, name: str) -> None:
    uri = member_uri(f"{path}{suffix}", name)
    found = member_of(uri)
    assert found is not None
    assert (local_path(found.container), found.kind, found.name) == (
        f"{path}{suffix}",
        suffix[1:],
        name,
    )


@given(PATHS)
def test_a_file_of_its_own_stays_one_whatever_its_name(path: str) -> None:
    uri = file_uri(path)
    assert member_of(uri) is None
    assert local_path(uri) == path


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.TAR", "tar"),
        ("a.tar.gz", "compressed"),
        ("a.tar.zst", "compressed"),
        ("a.tar.mp4", None),
        ("tar", None),
        ("a.parquet", "parquet"),
    ],
)
def test_its_suffix_says_what_kind_of_container_a_file_is(name: str, kind: str | None) -> None:
    assert container_kind(name) == kind


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("mp4/17", ("mp4", 17)),
        ("a/b/0", ("a/b", 0)),
        ("/3", None),
        ("mp4", None),
        ("mp4/-1", None),
        ("mp4/²", None),
        ("mp4/", None),
        ("mp4/" + "9" * 5000, None),
    ],
)
def test_a_cell_is_a_column_and_a_row(name: str, cell: tuple[str, int] | None) -> None:
    assert cell_of(name) == cell
