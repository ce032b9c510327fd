"""Running programs."""

import asyncio
import os
from pathlib import Path

import pytest

from pyganeti.kit.process import Command, run


def children() -> str:
    """Processes whose parent this one is."""
    pid = os.getpid()
    return Path(f"/proc/{pid}/task/{pid}/children").read_text()


@pytest.mark.parametrize("turns", range(12))
async def test_cancelling_a_start_leaves_nothing_running(turns: int) -> None:
    before = children()
    # The shell waits for a child, which has its pipes.
    command = Command(("/bin/sh", "-c", "sleep 1000; true"))
    task = asyncio.get_running_loop().create_task(run(command))
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task], timeout=30.0)
    assert task.cancelled()
    assert children() == before
