"""The fuzzer itself: it finds what is wrong, and makes the same inputs from the same seed."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import pytest

from tests.fuzz import kept
from tests.fuzz.engine import Finding, attempt, fuzz
from tests.fuzz.mutate import LONGEST, Mutator

GOOD: Final = b'{"method":"Query","args":["node",["name"],null]}'


class Fed:
    """A target that does what it is made with."""

    name = "fed"

    def __init__(self, take: Callable[[bytes], str]) -> None:
        self._take = take

    def seeds(self) -> Sequence[bytes]:
        """One."""
        return [GOOD]

    def close(self) -> None:
        """Nothing to end."""

    def run(self, data: bytes) -> str:
        """As made."""
        return self._take(data)


def longest_text(data: bytes) -> str:
    """Answers most of what it gets; breaks on a text where there was a list."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return "no JSON"
    if not isinstance(value, dict) or not isinstance(value.get("args"), list | str):
        return "no request"
    return f"{len(value['args'] + [])} arguments"


def test_what_breaks_is_found_and_made_short() -> None:
    result = fuzz(Fed(longest_text), [GOOD], seed=1, cpu_s=2)
    (found,) = result.findings
    assert found.place == "TypeError test_engine.py longest_text"
    assert isinstance(json.loads(found.data)["args"], str)
    assert len(found.data) <= len(GOOD)
    assert {"no JSON", "no request", "3 arguments"} <= result.novel.keys()


def test_every_kept_input_is_tried_first() -> None:
    tried: list[bytes] = []
    inputs = [b"%d" % number for number in range(100)]
    fuzz(Fed(lambda _: "same"), inputs, seed=1, cpu_s=0.2, trying=tried.append)
    assert tried[:100] == inputs
    assert len(tried) > 100


def endless(_: bytes) -> str:
    """Never comes to an end, and catches what it can."""
    while True:
        try:
            sum(range(1000))
        except Exception:
            return "caught"


def test_what_takes_too_long_is_found() -> None:
    found = attempt(Fed(endless), GOOD, slow_s=0.05)
    assert isinstance(found, Finding)
    assert found.place.startswith("TooSlow")


def test_an_interruption_is_no_finding() -> None:
    def interrupted(_: bytes) -> str:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        attempt(Fed(interrupted), GOOD)


def test_the_same_seed_makes_the_same_inputs() -> None:
    def made(seed: int) -> list[bytes]:
        mutator = Mutator(seed, [GOOD, b"[1,2]", b"\xff"])
        return [mutator.make() for _ in range(2000)]

    one = made(1)
    assert one == made(1)
    assert one != made(2)
    assert max(map(len, one)) <= LONGEST
    assert len(set(one)) > 1000


def test_what_is_kept_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "HERE", tmp_path)
    (tmp_path / "corpus").mkdir()
    assert kept.corpus("fed") == []
    kept.keep("fed", [b"\x00\xff\n", b"x" * 100_000, b"a"])
    kept.keep("fed", [b"a", b"bb"])
    assert kept.corpus("fed") == [b"a", b"\x00\xff\n", b"bb"]


def test_a_corpus_has_room_for_some_of_all_lengths(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "HERE", tmp_path)
    (tmp_path / "corpus").mkdir()
    many = [b"x" * size for size in range(1, 900)]
    for inputs, first in ((many, 1), ([b"y" * size for size in range(900)], 1)):
        kept.keep("fed", inputs)
        found = kept.corpus("fed")
        assert len(found) == kept.MOST
        assert (len(found[0]), found[0][:1]) == (first, b"x")
        assert len(found[-1]) > 800
