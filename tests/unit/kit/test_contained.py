"""Scripts of other people leave nothing behind and do not fill anything."""

import asyncio
import os
from pathlib import Path

import pytest

from pyganeti.kit.clock import SystemClock
from pyganeti.kit.outputs import OUTPUT_LIMIT
from pyganeti.kit.process import Command, ProcessError, is_alive, run


def script(text: str, **more: object) -> Command:
    """A contained one for the shell."""
    return Command(("/bin/sh", "-c", text), contained=True, **more)  # type: ignore[arg-type]


async def ended(note: Path) -> bool:
    """Whether the process that ``note`` names, and that was killed, is gone soon."""
    pid, clock = int(note.read_text()), SystemClock()  # noqa: ASYNC240
    deadline = clock.monotonic() + 30
    while is_alive(pid) and clock.monotonic() < deadline:
        await clock.sleep(0.01)
    return not is_alive(pid)


async def test_both_outputs_are_kept_apart() -> None:
    done = await run(script("echo said; echo shouted >&2"))
    assert (done.stdout, done.stderr) == ("said\n", "shouted\n")


async def test_a_log_gets_both_in_their_order(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("before\n")
    done = await run(script("for n in 1 2 3; do echo $n; echo -$n >&2; done", output=str(log)))
    assert log.read_text() == "before\n1\n-1\n2\n-2\n3\n-3\n"
    assert (done.stdout, done.stderr) == ("", "")


@pytest.mark.parametrize("streams", ["", ">&2", ">/dev/null 2>&1"])
async def test_what_runs_on_in_the_background_is_ended(tmp_path: Path, streams: str) -> None:
    note = tmp_path / "pid"
    # It holds the pipes, so that reading to their end would take as long as it.
    async with asyncio.timeout(30):
        await run(script(f"sleep 1000 {streams} & echo $! > {note}"))
    assert await ended(note)


async def test_one_that_made_itself_a_daemon_is_not_waited_for(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    text = f"setsid sh -c 'echo $$ > {note}; exec sleep 1000' & while [ ! -s {note} ]; do :; done"
    async with asyncio.timeout(30):
        await run(script(text))
    pid = int(note.read_text())
    assert is_alive(pid)
    os.kill(pid, 9)


@pytest.mark.parametrize("kept", ["log", "memory"])
async def test_one_that_writes_without_end_is_killed(tmp_path: Path, kept: str) -> None:
    log = tmp_path / "log"
    more = {"output": str(log)} if kept == "log" else {}
    with pytest.raises(ProcessError, match="wrote more than 16 MiB, killed"):
        await run(script("exec cat /dev/zero", **more))
    if kept == "log":
        assert log.stat().st_size == OUTPUT_LIMIT


async def test_one_that_does_not_end_is_killed_with_all_it_started(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    with pytest.raises(ProcessError, match="no end after 1 s, killed"):
        await run(script(f"sleep 1000 & echo $! > {note}; wait", timeout_s=1.0))
    assert await ended(note)


async def test_it_fails_as_others_do() -> None:
    with pytest.raises(ProcessError, match="exit code 3: no luck"):
        await run(script("echo no luck >&2; exit 3"))


async def test_output_that_somebody_else_reads_is_not_limited(tmp_path: Path) -> None:
    sink = os.open(tmp_path / "dump", os.O_WRONLY | os.O_CREAT)
    size = OUTPUT_LIMIT + 1
    try:
        await run(script(f"head -c {size} /dev/zero", stdout_fd=sink))
    finally:
        os.close(sink)
    assert (tmp_path / "dump").stat().st_size == size
