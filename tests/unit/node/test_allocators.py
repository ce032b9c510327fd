"""Allocators as programs: what they are given, and what may become of them."""

import json
from pathlib import Path

import pytest

from pyganeti.kit.process import run
from pyganeti.model.errors import OpExecError
from pyganeti.node import pipes
from pyganeti.node.allocators import MAX_OUTPUT, Allocators

REQUEST = json.dumps({"request": {"type": "relocate", "name": "wéb1"}})


def put(directory: Path, name: str, text: str, *, mode: int = 0o755) -> None:
    """A program."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / name).write_text(text)
    (directory / name).chmod(mode)


def allocators(top: Path, limit_s: float = 60.0) -> Allocators:
    """Those in ``first`` and ``second``."""
    return Allocators((str(top / "first"), str(top / "second")), str(top / "run"), limit_s)


async def ask(top: Path, text: str, *, limit_s: float = 60.0, options: tuple[str, ...] = ()) -> str:
    """What an allocator of this text says."""
    put(top / "first", "mine", text)
    return await allocators(top, limit_s).run("mine", REQUEST, options, run)


async def refused(top: Path, text: str, *, limit_s: float = 60.0) -> str:
    """With what it is refused."""
    with pytest.raises(OpExecError) as error:
        await ask(top, text, limit_s=limit_s)
    assert list((top / "run").iterdir()) == []
    return str(error.value)


async def test_a_program_reads_the_request_and_answers(tmp_path: Path) -> None:
    text = """#!/usr/bin/env python3
import json, os, stat, sys
path = sys.argv[-1]
print(json.dumps([sys.argv[1:-1], json.load(open(path)), oct(os.stat(path).st_mode)]))
print("thinking", file=sys.stderr)
"""
    said = json.loads(await ask(tmp_path, text, options=("--fast", "--tries=3")))
    assert said == [["--fast", "--tries=3"], json.loads(REQUEST), "0o100600"]
    assert list((tmp_path / "run").iterdir()) == []


async def test_the_first_directory_counts_and_others_are_passed_over(tmp_path: Path) -> None:
    put(tmp_path / "second", "mine", "#!/bin/sh\necho second\n")
    put(tmp_path / "second", "other", "#!/bin/sh\necho other\n")
    assert await ask(tmp_path, "#!/bin/sh\necho first\n") == "first\n"
    assert await allocators(tmp_path).run("other", REQUEST, (), run) == "other\n"
    (tmp_path / "first" / "mine").chmod(0o644)
    assert await allocators(tmp_path).run("mine", REQUEST, (), run) == "second\n"


@pytest.mark.parametrize("name", ["", "..", ".mine", "../first/mine", "/bin/true", "-x", "other"])
async def test_what_is_no_allocator_is_not_run(tmp_path: Path, name: str) -> None:
    put(tmp_path / "first", "mine", "#!/bin/sh\necho run\n")
    put(tmp_path / "first", "other", "#!/bin/sh\necho run\n", mode=0o644)
    with pytest.raises(OpExecError, match="allocator"):
        await allocators(tmp_path).run(name, REQUEST, (), run)


async def test_one_that_fails_says_why(tmp_path: Path) -> None:
    said = await refused(tmp_path, "#!/bin/sh\necho no \x1b[31m memory >&2\nexit 1\n")
    assert "allocator mine" in said
    assert "exit code 1" in said
    assert "no \\x1b[31m memory" in said
    assert "exit code 3: all is lost" in await refused(
        tmp_path, "#!/bin/sh\necho all is lost\nexit 3\n"
    )


async def test_one_that_cannot_be_started(tmp_path: Path) -> None:
    assert "allocator mine" in await refused(tmp_path, "#!/no/such/interpreter\n")


async def test_one_that_hangs_is_ended(tmp_path: Path) -> None:
    said = await refused(tmp_path, "#!/bin/sh\necho half\nexec sleep 1000\n", limit_s=0.5)
    assert "no end after 0.5 s, killed" in said


async def test_one_that_prints_without_end_is_ended(tmp_path: Path) -> None:
    said = await refused(tmp_path, "#!/bin/sh\nexec cat /dev/zero\n")
    assert f"more than {MAX_OUTPUT >> 20} MiB" in said


async def test_complaints_without_end_are_cut(tmp_path: Path) -> None:
    text = "#!/bin/sh\nhead -c 30000000 /dev/zero | tr '\\0' x >&2\necho last >&2\nexit 1\n"
    said = await refused(tmp_path, text)
    assert said.endswith("xlast")
    assert len(said) < 2500


async def test_one_that_leaves_a_child_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipes, "_GRACE_S", 0.5)
    said = await refused(tmp_path, "#!/bin/sh\nsleep 20 &\necho '{}'\n")
    assert "holds its output" in said
