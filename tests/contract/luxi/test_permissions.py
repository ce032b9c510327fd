"""Who may talk to the master: owner and mode of the sockets."""

import os
import stat
from pathlib import Path
from typing import Final, NoReturn

import pytest

from pyganeti.kit import identity
from pyganeti.kit.paths import Paths
from pyganeti.tools import layout
from pyganeti.wire.luxi.client import LuxiClient, LuxiPermissionError
from pyganeti.wire.luxi.server import LuxiServer
from tests.needs import needs_root

from .harness import Master, client, request, serving, until

NOBODY: Final = 65534
GROUP: Final = 54321
gives_files_away = needs_root("gives files to others")


async def ask_as(uid: int, groups: list[int], path: Path) -> str:
    """What a process of another user gets from the master; the name of the error, if one."""
    read, write = os.pipe()
    # Forked, since the interpreter may lie where other users cannot run it.
    child = os.fork()
    if child == 0:
        _answer_as(uid, groups, path, write)
    os.close(write)
    await until(lambda: os.waitpid(child, os.WNOHANG)[0] != 0, "the other process to end")
    said = os.read(read, 100)
    os.close(read)
    return said.decode()


def _answer_as(uid: int, groups: list[int], path: Path, write: int) -> NoReturn:
    try:
        os.setgroups(groups)
        os.setgid(NOBODY)
        os.setuid(uid)
        said = str(LuxiClient(str(path)).call("echo", [1]))
    except Exception as err:
        said = type(err).__name__
    os.write(write, said.encode())
    os._exit(0)


@gives_files_away
async def test_owner_and_group_may_talk_and_nobody_else(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    os.chmod(tmp_path, 0o755)
    async with serving(path, Master(), owner=(NOBODY - 1, GROUP)):
        found = os.stat(path)
        assert (found.st_uid, found.st_gid) == (NOBODY - 1, GROUP)
        assert stat.S_IMODE(found.st_mode) == 0o660
        assert await ask_as(NOBODY - 1, [], path) == "[1]"
        assert await ask_as(NOBODY, [GROUP], path) == "[1]"
        assert await ask_as(NOBODY, [], path) == LuxiPermissionError.__name__
        assert await ask_as(NOBODY, [GROUP + 1], path) == LuxiPermissionError.__name__


async def test_all_sockets_serve_the_same_with_the_same_mode(tmp_path: Path) -> None:
    paths = [str(tmp_path / name) for name in ("ganeti-master", "ganeti-query")]
    server = LuxiServer(Master(), *paths)
    before = os.umask(0)
    try:
        await server.start()
    finally:
        os.umask(before)
    for path in paths:
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o660
        async with client(Path(path)) as one:
            assert await one.ask(request("echo", path)) == (True, [path])
    await server.stop()
    assert os.listdir(tmp_path) == []


async def test_when_one_socket_cannot_be_made_none_is_left(tmp_path: Path) -> None:
    server = LuxiServer(Master(), str(tmp_path / "good"), str(tmp_path / "not" / "there"))
    with pytest.raises(Exception, match="not/there"):
        await server.start()
    assert os.listdir(tmp_path) == []


async def test_owners_are_those_of_the_layout() -> None:
    assert layout.socket_owner(Paths("/tmp/node1", "node1")) == (-1, -1)
    assert (layout.USERS["masterd"], layout.GROUPS["daemons"]) == ("gnt-masterd", "gnt-daemons")
    wanted = (identity.user_id("gnt-masterd"), identity.group_id("gnt-daemons"))
    expected = wanted if os.geteuid() == 0 else (-1, -1)
    assert layout.socket_owner(Paths()) == expected
