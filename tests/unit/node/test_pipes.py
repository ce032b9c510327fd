"""Programs that write and read piece by piece."""

import asyncio
from pathlib import Path

import pytest

from pyganeti.kit.process import Command, ProcessError, is_alive, run
from pyganeti.model.errors import OpExecError
from pyganeti.node import pipes
from pyganeti.node.packing import pack, unpack
from pyganeti.node.pipes import PIECE, give_input, take_output
from pyganeti.node.predicted import PredictedSize

DATA = bytes(range(256)) * 10_000


def script(text: str) -> Command:
    """A shell script."""
    return Command(("/bin/sh", "-c", text))


class Taken:
    """Remembers pieces."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    async def __call__(self, piece: bytes) -> None:
        """Take one."""
        self.pieces.append(piece)


async def test_output_comes_in_pieces_of_one_size(tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(DATA)
    taken = Taken()
    # Written in small parts, and with pauses.
    text = f"head -c 1000 {tmp_path}/data; sleep 0.1; tail -c +1001 {tmp_path}/data"
    await take_output(run, script(text), taken)
    assert [len(piece) for piece in taken.pieces] == [PIECE, PIECE, len(DATA) - 2 * PIECE]
    assert b"".join(taken.pieces) == DATA


async def test_no_output_is_no_piece() -> None:
    taken = Taken()
    await take_output(run, script("exit 0"), taken)
    assert taken.pieces == []


async def test_errors_go_to_the_log_and_not_between_the_data(tmp_path: Path) -> None:
    taken = Taken()
    log = tmp_path / "log"
    command = Command(("/bin/sh", "-c", "echo data; echo said >&2"), output=str(log))
    await take_output(run, command, taken)
    assert taken.pieces == [b"data\n"]
    assert log.read_text() == "said\n"


async def test_a_program_that_fails_after_it_wrote_is_an_error() -> None:
    with pytest.raises(ProcessError, match="exit code 3"):
        await take_output(run, script("echo data; exit 3"), Taken())


async def test_a_program_that_is_not_there_is_an_error() -> None:
    with pytest.raises(ProcessError):
        await take_output(run, Command(("/nothing/there",)), Taken())


async def test_what_cannot_be_taken_ends_the_program() -> None:
    async def refuse(_piece: bytes) -> None:
        raise OpExecError("no space left")

    with pytest.raises(OpExecError, match="no space left"):
        await take_output(run, script("cat /dev/zero"), refuse)


async def test_a_child_that_holds_the_output_is_not_waited_for_for_ever(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(pipes, "_GRACE_S", 0.1)
    pid = tmp_path / "pid"
    text = f"echo data; sleep 1000 & echo $! > {pid}"
    command = Command(("/bin/sh", "-c", text), output=str(tmp_path / "log"))
    try:
        with pytest.raises(OpExecError, match="what it started holds its output"):
            await take_output(run, command, Taken())
    finally:
        await run(script(f"kill {pid.read_text()}"))


async def test_being_cancelled_ends_the_program(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1.0):
            await take_output(run, script(f"echo $$ > {pid}; exec sleep 1000"), Taken())
    assert not is_alive(int(pid.read_text()))


def given(*pieces: bytes) -> pipes.Give:
    """Gives them one after another."""
    left = list(pieces)

    async def give() -> bytes:
        return left.pop(0) if left else b""

    return give


async def test_a_program_gets_all_that_is_given(tmp_path: Path) -> None:
    read = tmp_path / "read"
    await give_input(run, script(f"cat > {read}"), given(DATA, DATA[:100]))
    assert read.read_bytes() == DATA + DATA[:100]


async def test_a_program_need_not_read_all_and_all_is_asked_for(tmp_path: Path) -> None:
    read = tmp_path / "read"
    give = given(*[DATA] * 5)
    await give_input(run, script(f"head -c 10 > {read}"), give)
    assert read.read_bytes() == DATA[:10]
    assert await give() == b""


async def test_what_is_not_given_ends_the_program() -> None:
    async def fail() -> bytes:
        raise OpExecError("the other node is gone")

    with pytest.raises(OpExecError, match="gone"):
        await give_input(run, script("sleep 1000"), fail)


async def test_a_reader_that_fails_is_an_error() -> None:
    with pytest.raises(ProcessError, match="exit code 3"):
        await give_input(run, script("exit 3"), given(DATA))


# --- compression


@pytest.mark.parametrize("tool", ["none", "gzip", "gzip-fast", "gzip-slow"])
async def test_what_is_packed_is_unpacked(tool: str) -> None:
    packed = await pack(tool, DATA, run)
    assert (len(packed) < len(DATA)) is (tool != "none")
    assert await unpack(tool, packed, run) == DATA


async def test_other_programs_are_used_like_gzip(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "swap"
    program.write_text('#!/bin/sh\n[ "$1" = -d ] && exec tr b-z a-y\nexec tr a-y b-z\n')
    program.chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert await pack("swap", b"hello", run) == b"ifmmp"
    assert await unpack("swap", b"ifmmp", run) == b"hello"


@pytest.mark.parametrize("tool", ["-x", "/bin/sh", "../gzip"])
async def test_what_is_no_name_of_a_program_is_not_run(tool: str) -> None:
    with pytest.raises(OpExecError, match="no compression program"):
        await pack(tool, DATA, run)


async def test_what_is_not_packed_is_an_error() -> None:
    with pytest.raises(ProcessError, match="gzip"):
        await unpack("gzip", DATA, run)


# --- predicted sizes


@pytest.mark.parametrize(
    ("said", "size"),
    [
        ("4096\\n", 4096),
        ("", 77),
        ("4096", 77),
        ("many\\n", 77),
        ("-5\\n", 77),
        ("1\\n2\\n", 1),
        ("9" * 100 + "\\n", 77),
    ],
)
async def test_a_script_may_predict_its_size(said: str, size: int) -> None:
    with PredictedSize(77) as predicted:
        text = f"printf -- '{said}' >&$EXP_SIZE_FD"
        # Not dash, which knows no descriptors of two digits.
        await run(predicted.told(Command(("/bin/bash", "-c", text), env={"PATH": "/bin"})))
        assert predicted.size() == size
        assert predicted.size() == size
