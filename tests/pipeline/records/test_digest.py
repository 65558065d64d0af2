from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.records.digest import canonical_json, digest

PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(PLAIN, PLAIN)
def test_equal_digests_mean_equal_json(one: object, other: object) -> None:
    assert (digest(one, 64) == digest(other, 64)) == (canonical_json(one) == canonical_json(other))


def test_order_of_keys_does_not_matter_and_order_of_items_does() -> None:
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    assert digest(["a", "b"]) != digest(["b", "a"]) != digest(["a-b"])


@pytest.mark.parametrize("value", [float("nan"), {1, 2}, b"x", object()])
def test_what_has_no_stable_bytes_is_refused(value: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        digest(value)
