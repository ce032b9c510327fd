"""Sessions with QEMU, with a program that speaks as it does."""

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import pytest

from pyganeti.model.errors import HypervisorError
from pyganeti.node.hypervisor.kvm.qmp import qmp_session

GREETING: Final = {
    "QMP": {
        "version": {"qemu": {"major": 7, "minor": 2, "micro": 0}, "package": ""},
        "capabilities": [],
    }
}
EVENT: Final = {"event": "RESET", "timestamp": {"seconds": 1, "microseconds": 0}, "data": {}}


@asynccontextmanager
async def qemu(events: int) -> AsyncIterator[str]:
    """Listens; in its first sessions, ``events`` of them, an event comes before the answer."""
    left = events

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal left

        def say(message: dict[str, Any]) -> None:  # Any: JSON
            writer.write(json.dumps(message).encode() + b"\r\n")

        say(GREETING)
        spoilt, left = left > 0, left - 1
        # The library ends no message with a line end, and waits for each answer.
        while said := await reader.read(1 << 16):
            if spoilt:
                say(EVENT)
            command = json.loads(said)
            say({"return": {}, **({"id": command["id"]} if "id" in command else {})})
        writer.close()

    with tempfile.TemporaryDirectory(prefix="qmp") as directory:
        path = f"{directory}/s"
        async with await asyncio.start_unix_server(serve, path):
            yield path


async def test_an_event_that_comes_before_the_answer_does_not_end_the_session() -> None:
    async with qemu(events=2) as path, qmp_session(path, "web1") as qmp:
        assert await qmp.execute("query-status") == {}


async def test_gives_up_in_the_end() -> None:
    async with qemu(events=1000) as path:
        with pytest.raises(HypervisorError, match="web1: QEMU cannot be reached"):
            async with qmp_session(path, "web1"):
                pass


async def test_nobody_there_is_told_at_once() -> None:
    with pytest.raises(HypervisorError, match="web1: QEMU cannot be reached"):
        async with qmp_session("/nowhere/socket", "web1"):
            pass
