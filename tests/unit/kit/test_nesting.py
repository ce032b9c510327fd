"""Depth of JSON from its text, compared with what a parser finds."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyganeti.kit.nesting import MAX_NESTING, has_too_many, is_too_deep

# Any: JSON.
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.integers() | st.text(alphabet='[]{}"\\a,:\n'),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text('[{"\\'), inner, max_size=3)
    ),
    max_leaves=20,
)


def depth(value: Any) -> int:
    if isinstance(value, dict):
        value = list(value.values())
    return 1 + max(map(depth, value), default=0) if isinstance(value, list) else 0


@given(VALUES)
def test_agrees_with_a_parser(value: Any) -> None:
    text = json.dumps(value).encode()
    assert not is_too_deep(text, depth(value))
    assert depth(value) == 0 or is_too_deep(text, depth(value) - 1)


@pytest.mark.parametrize(("begin", "end"), [("[", "]"), ('{"a":', "}"), ('{"[":', "}")])
def test_has_a_limit(begin: str, end: str) -> None:
    for count, is_deep in ((MAX_NESTING, False), (MAX_NESTING + 1, True), (10_000, True)):
        assert is_too_deep((begin * count + "1" + end * count).encode()) is is_deep


@pytest.mark.parametrize(
    "text", ['"' + "[" * 200 + '"', '["\\"' + "[{" * 200 + '"]', '["\\\\", "[[' + "[" * 200 + '"]']
)
def test_brackets_in_texts_do_not_count(text: str) -> None:
    json.loads(text)
    assert not is_too_deep(text.encode())


@pytest.mark.parametrize(
    "part", [b"[", b'"', b'\\"', b'["', b'"[', b"\\", b'[{"a":', b"\xff[", b'"[\\"', b""]
)
def test_anything_gets_an_answer_soon(part: bytes) -> None:
    # With square time in the length this would not end.
    is_too_deep(b"[" * 200 + part * 200_000)
    is_too_deep(b'["' + part * 200_000)


def test_values_are_counted_from_the_text() -> None:
    assert not has_too_many(b"[" + b"1," * 99 + b"1]", 100)
    assert has_too_many(b"[" + b"1," * 100 + b"1]", 100)
    assert has_too_many(b"[{}" * 40 + b"," * 30, 100)
    # A text is one value, however long; that with commas may count as more.
    assert not has_too_many(b'"' + b"x" * 1000 + b'"', 100)
