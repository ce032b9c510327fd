"""Sockets at which jobs wait for programs."""

import asyncio
import os
import socket
import stat
from pathlib import Path

import pytest

from pyganeti.master.jobs.doorbells import Doorbells
from pyganeti.master.jobs.signals import Signals
from pyganeti.model.enums import LogType
from pyganeti.model.errors import OpExecError


def mode(path: str) -> int:
    return stat.S_IMODE(Path(path).stat().st_mode)


async def test_rings_once_somebody_connects_and_ends_with_the_wait(tmp_path: Path) -> None:
    bells = Doorbells(str(tmp_path))
    async with bells.hang() as bell:
        assert mode(bell.path) == 0o660
        _, writer = await asyncio.open_unix_connection(bell.path)
        await bell.rung()
        writer.write(b"x")
        await bell.hung_up()
        writer.close()
    assert os.listdir(tmp_path) == []


async def test_each_has_a_socket_of_its_own(tmp_path: Path) -> None:
    bells = Doorbells(str(tmp_path))
    async with bells.hang() as first, bells.hang() as second:
        assert first.path != second.path
        _, writer = await asyncio.open_unix_connection(second.path)
        await second.rung()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(first.rung(), 0.01)
        writer.close()


async def test_who_stays_is_sent_away(tmp_path: Path) -> None:
    async with Doorbells(str(tmp_path)).hang() as bell:
        reader, writer = await asyncio.open_unix_connection(bell.path)
        await bell.rung()
    assert await reader.read() == b""
    writer.close()


async def test_what_a_killed_master_left_is_replaced_or_cleared(tmp_path: Path) -> None:
    (tmp_path / "ganeti-master").touch()
    for number in (1, 2):
        with socket.socket(socket.AF_UNIX) as left:
            left.bind(str(tmp_path / f"job{number}"))
    bells = Doorbells(str(tmp_path))
    async with bells.hang() as bell:
        assert bell.path.endswith("/job1")
    bells.clear()
    assert os.listdir(tmp_path) == ["ganeti-master"]


async def test_a_directory_that_is_missing_fails_the_opcode() -> None:
    async def shown() -> None:
        return None

    signals = Signals(lambda kind, content: None, Doorbells("/nowhere/at/all"), shown)
    with pytest.raises(OpExecError, match="No such file"):
        async with signals.bell(LogType.DELAY_TEST):
            pass
