"""Values in messages."""

import pytest

from pyganeti.kit.shown import shown

DEEP: object = "x"
for _ in range(5000):
    DEEP = [DEEP]


@pytest.mark.parametrize("value", [None, True, 5, -0.0, "a'b", [1, "two"], {"z": 1, "a": [2]}, {}])
def test_a_short_value_is_shown_as_it_is(value: object) -> None:
    assert shown(value) == repr(value)


@pytest.mark.parametrize(
    "value",
    ["x" * 1_000_000, "\ud800" * 1000, 10**1000, ["x" * 100] * 100, {"k" * 1000: 1}, DEEP],
    ids=["text", "surrogates", "number", "list", "key", "deep"],
)
def test_a_long_or_deep_one_is_cut(value: object) -> None:
    text = shown(value)
    assert len(text) <= 80
    assert "..." in text
    text.encode()


def test_hidden_values_do_not_appear() -> None:
    value = [{"name": "web1", "secret": {"password": "hunter2"}}, {"a": {"secret": "hunter2"}}]
    assert "hunter2" in shown(value)
    assert "hunter2" not in shown(value, ["secret"])
    assert "web1" in shown(value, ["secret"])
