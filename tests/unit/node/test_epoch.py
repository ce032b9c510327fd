"""Fencing of older masters: order, durability, refusal."""

import asyncio
from pathlib import Path

import pytest

from pyganeti.model.errors import ConfigurationError, StaleEpoch
from pyganeti.node.epoch import EpochKeeper


class Ender:
    """Records what was to be ended, and what the file said then."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.calls: list[tuple[int, str]] = []

    async def __call__(self, epoch: int) -> None:
        self.calls.append((epoch, self.path.read_text() if self.path.exists() else ""))
        await asyncio.sleep(0)


def keeper(path: Path) -> tuple[EpochKeeper, Ender]:
    ender = Ender(path)
    return EpochKeeper(str(path), ender), ender


async def test_a_higher_epoch_is_durable_before_it_is_let_in(tmp_path: Path) -> None:
    epochs, ender = keeper(tmp_path / "epoch")
    await epochs.enter(3)
    assert epochs.current == 3
    assert (tmp_path / "epoch").read_text() == "3\n"
    assert ender.calls == [(3, "")]


async def test_the_same_epoch_ends_nothing(tmp_path: Path) -> None:
    epochs, ender = keeper(tmp_path / "epoch")
    await epochs.enter(3)
    await epochs.enter(3)
    assert len(ender.calls) == 1


async def test_a_lower_epoch_is_refused_and_told_the_number(tmp_path: Path) -> None:
    epochs, _ender = keeper(tmp_path / "epoch")
    await epochs.enter(3)
    with pytest.raises(StaleEpoch) as stale:
        await epochs.enter(2)
    assert stale.value.args[1] == 3


async def test_the_number_survives_a_restart(tmp_path: Path) -> None:
    epochs, _ender = keeper(tmp_path / "epoch")
    await epochs.enter(9)
    again, _ender = keeper(tmp_path / "epoch")
    with pytest.raises(StaleEpoch):
        await again.enter(8)


async def test_nothing_old_gets_in_while_the_new_one_is_stored(tmp_path: Path) -> None:
    epochs, _ender = keeper(tmp_path / "epoch")
    await epochs.enter(1)
    async with asyncio.TaskGroup() as group:
        group.create_task(epochs.enter(2))
        await asyncio.sleep(0)
        with pytest.raises(StaleEpoch):
            await epochs.enter(1)


async def test_a_failed_write_lets_nobody_in(tmp_path: Path) -> None:
    epochs, _ender = keeper(tmp_path / "missing" / "epoch")
    with pytest.raises(OSError, match="missing"):
        await epochs.enter(1)
    assert epochs.current == 0


def test_a_damaged_file_is_not_taken_for_zero(tmp_path: Path) -> None:
    (tmp_path / "epoch").write_text("seven")
    with pytest.raises(ConfigurationError, match="does not hold a number"):
        keeper(tmp_path / "epoch")
