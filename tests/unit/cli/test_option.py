"""How options are described in help and manual."""

import pytest

from pyganeti.cli.option import Option, describe, placeholder, switch


@pytest.mark.parametrize(
    ("option", "value", "text"),
    [
        (Option(("-o",), "out", "fields"), "OUT", "fields"),
        (Option(("-o",), "out", "fields", metavar="<f>"), "<f>", "fields"),
        (Option(("--on",), "on", "on or off", kind="bool"), "yes|no", "on or off"),
        (Option(("-t",), "t", "wait", kind="int", default=120), "NUMBER", "wait (default: 120)"),
        (Option(("-p",), "p", "params", kind="keyval", default=()), "KEY=VALUE,...", "params"),
        (Option(("-m",), "m", "mode", kind="choice", choices=("a", "b")), "a|b", "mode"),
        (
            Option(("-m",), "m", "mode", kind="choice", choices=("a", "b"), metavar="MODE"),
            "MODE",
            "mode: a, b",
        ),
    ],
)
def test_value_and_text(option: Option, value: str, text: str) -> None:
    assert (placeholder(option), describe(option)) == (value, text)


def test_a_switch_has_no_default_to_tell() -> None:
    assert describe(switch(("-f",), "force", "do not ask")) == "do not ask"
