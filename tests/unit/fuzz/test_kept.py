"""Inputs that are kept for fuzzing, and all that it ever found: each is answered."""

import pytest

from tests.fuzz import kept
from tests.fuzz.engine import Finding, attempt
from tests.fuzz.targets import TARGETS


def found_in(name: str, inputs: list[bytes]) -> dict[str, bytes]:
    """Traces of what is not answered, each with its input."""
    target = TARGETS[name]()
    try:
        answers = [attempt(target, data) for data in [*target.seeds(), *inputs]]
    finally:
        target.close()
    return {one.trace: one.data for one in answers if isinstance(one, Finding)}


@pytest.mark.parametrize("name", TARGETS)
def test_what_is_kept_is_answered(name: str) -> None:
    inputs = kept.corpus(name)
    assert inputs
    assert found_in(name, inputs) == {}


@pytest.mark.parametrize("name", TARGETS)
def test_what_was_found_is_answered(name: str) -> None:
    assert found_in(name, [path.read_bytes() for path in kept.findings(name)]) == {}


def test_nothing_is_kept_for_targets_that_do_not_exist() -> None:
    names = {path.stem for path in (kept.HERE / "corpus").glob("*.jsonl")}
    names |= {path.name for path in kept.FINDINGS.glob("*")}
    assert names == set(TARGETS)
