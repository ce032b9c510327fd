"""Cut the power under load: what was acknowledged is there, what was not is whole or absent.

All that was not synced is dropped (or, in the second test, reaches the disk in random sectors).
"""

import random
from pathlib import Path

import pytest

from pyganeti.model.errors import StoreCorrupt
from pyganeti.store.interface import Contents, Table
from pyganeti.store.sqlite import SqliteBackend
from tests.e2e.powercut.machine import Machine
from tests.e2e.powercut.worker import WRITERS

SEEDS = range(5)
SOAK_SEEDS = range(100, 150)
ROUNDS = 3


def read_back(path: str) -> Contents:
    backend = SqliteBackend(path)
    try:
        return backend.load()
    finally:
        backend.close()


def check(contents: Contents, acknowledged: list[int]) -> int:
    """All acknowledged batches are there, each of those found is whole; the highest number."""
    found = {int(key) for key in contents[Table.JOB]}
    missing = set(acknowledged) - found
    assert not missing, f"{len(missing)} acknowledged batches are lost, {min(missing)} the first"
    assert {f"instance/{number:09}" for number in found} == set(contents[Table.CONFIG])
    for number in found:
        assert contents[Table.JOB][str(number)] == b"%d" % number
        assert contents[Table.CONFIG][f"instance/{number:09}"].rstrip(b"\0") == b"%d" % number
    for writer in range(WRITERS):
        newest = max((number for number in found if number % WRITERS == writer), default=None)
        if newest is not None:
            assert contents[Table.META][f"last{writer}"] == b"%d" % newest
    return max(found, default=-1)


def cut_again_and_again(machine: Machine, seed: int, *, torn: bool) -> None:
    """Several cuts, each after the restart that followed the one before."""
    chance = random.Random(seed)
    acknowledged: list[int] = []
    first = 0
    try:
        for _ in range(ROUNDS):
            # 0: perhaps before the database was made.
            wanted = chance.choice((0, 1, 30, 300, 900))
            delay_s = chance.uniform(0, 0.1 if wanted else 0.5)
            acknowledged += machine.run_and_cut(first, wanted, delay_s)
            machine.restore(chance if torn else None)
            first = (check(read_back(machine.database), acknowledged) // WRITERS + 1) * WRITERS
    except BaseException as err:
        err.add_note(f"seed {seed}")
        raise


@pytest.mark.parametrize("seed", SEEDS)
def test_what_was_acknowledged_survives(tmp_path: Path, shim: Path, seed: int) -> None:
    cut_again_and_again(Machine(tmp_path, shim), seed, torn=False)


@pytest.mark.parametrize("seed", SEEDS)
def test_it_survives_when_part_of_the_rest_was_written(
    tmp_path: Path, shim: Path, seed: int
) -> None:
    cut_again_and_again(Machine(tmp_path, shim), seed, torn=True)


@pytest.mark.soak
@pytest.mark.parametrize("torn", [False, True])
@pytest.mark.parametrize("seed", SOAK_SEEDS)
def test_it_survives_many_cuts(tmp_path: Path, shim: Path, seed: int, torn: bool) -> None:
    cut_again_and_again(Machine(tmp_path, shim), seed, torn=torn)


def test_without_syncs_it_does_not(tmp_path: Path, shim: Path) -> None:
    """That the test can fail: the same, told not to sync, loses what it acknowledged."""
    machine = Machine(tmp_path, shim, synchronous="OFF")
    acknowledged = machine.run_and_cut(0, 50, 0.02)
    machine.restore()
    with pytest.raises((AssertionError, StoreCorrupt), match=r"are lost|is damaged"):
        check(read_back(machine.database), acknowledged)
