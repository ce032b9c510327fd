"""``ganeti-listrunner``: runs a script or a command on many hosts, some at a time.

    options -> one archive of files -> for each host: ssh, unpack, run, clean up -> a log of its own

For hosts that need not be nodes yet, nor have anybody's keys: a password is asked for once, and
serves for all. Source: ganeti-listrunner(8).
"""

import argparse
import asyncio
import getpass
import os
import re
import shlex
import sys
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Final

from pyganeti.kit.files import remove
from pyganeti.kit.paths import Paths
from pyganeti.kit.process import Command, ProcessError, Runner, run
from pyganeti.kit.ssh import ssh_command
from pyganeti.model.errors import GenericError

from .ending import ended

_AT_ONCE: Final = 15
# A command may take as long as it likes; a day ends what hangs.
_TIMEOUT_S: Final = 86400.0
# It names a log file and stands in a command line, too.
_HOST: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:_-]*")
_USER: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
_SECRET: Final = "GANETI_SSH_PASSWORD"  # noqa: S105 - the variable's name
_ASKPASS: Final = f'#!/bin/sh\nprintf "%s\\n" "${_SECRET}"\n'
# A host that is not known is remembered; one whose key has changed is refused, as by ssh(1).
_NEW_HOSTS: Final = {"StrictHostKeyChecking": "accept-new"}
_BY_PASSWORD: Final = {
    "BatchMode": "no",
    "NumberOfPasswordPrompts": "1",
    "PreferredAuthentications": "password,keyboard-interactive",
}
_EVERY_CODE: Final = frozenset(range(-64, 256))
_SSH_FAILED: Final = 255


class Refused(GenericError):
    """Nothing was run."""


@dataclass(frozen=True, slots=True)
class Work:
    """What is done on each host.

    Attributes:
        text: for the remote shell.
        archive: file to unpack in a directory of its own first, or ``None``.
        logdir: where what it says is kept.
        user: remote user.
        options: of ssh.
        env: additions to the environment of ssh.
    """

    text: str
    archive: str | None
    logdir: str
    user: str
    options: Mapping[str, str]
    env: Mapping[str, str]

    def log(self, host: str) -> str:
        """The file that keeps what ``host`` says."""
        return os.path.join(self.logdir, f"{host}.log")


def in_own_directory(text: str) -> str:
    """``text`` for a shell that gets an archive: unpacked where it runs, and gone afterwards."""
    return (
        "d=$(mktemp -d) && trap 'cd / && rm -rf \"$d\"' EXIT && trap 'exit 129' HUP INT TERM"
        f' && cd "$d" && tar -xf - && sh -c {shlex.quote(text)} </dev/null'
    )


def pack(target: IO[bytes], executable: str | None, others: Sequence[str]) -> None:
    """Write an archive of the files, which shall lie side by side, to ``target``.

    Raises:
        Refused: two have the same name, or one is no file.
        OSError: one cannot be read.
    """
    seen: set[str] = set()
    with tarfile.open(fileobj=target, mode="w") as archive:
        for path in [*filter(None, [executable]), *others]:
            name = os.path.basename(path)
            if name in seen:
                raise Refused(f"{path}: there is another file {name}, they would lie side by side")
            seen.add(name)
            with open(path, "rb") as source:
                found = archive.gettarinfo(arcname=name, fileobj=source)
                if not found.isreg():
                    raise Refused(f"{path} is no file")
                found.uid = found.gid = 0
                found.uname = found.gname = ""
                if path == executable:
                    found.mode |= 0o700
                archive.addfile(found, source)


def _lines(path: str) -> list[str]:
    with open(path, encoding="utf-8") as source:
        return [line.strip() for line in source]


def wanted_hosts(options: argparse.Namespace) -> list[str]:
    """The hosts, each once, in the order they are named in.

    Raises:
        Refused: there are none, or one has no possible name.
        OSError: the list cannot be read.
    """
    named = _lines(options.hostfile) if options.hostfile else options.hosts.split(",")
    hosts = list(dict.fromkeys(name for name in named if name and not name.startswith("#")))
    if not hosts:
        raise Refused("no host is named")
    for host in hosts:
        if not _HOST.fullmatch(host):
            raise Refused(f"{host!r} is no name of a host")
    return hosts


async def _on_host(work: Work, host: str, runner: Runner) -> bool:
    """Do it on one host; whether it worked. Says so."""
    argv = ssh_command(
        Paths.from_env(), host, ["sh", "-c", work.text], user=work.user, more=work.options
    )
    remove(work.log(host))
    source = None if work.archive is None else os.open(work.archive, os.O_RDONLY | os.O_CLOEXEC)
    env = {**os.environ, "LC_ALL": "C", **work.env}
    try:
        done = await runner(
            Command(
                tuple(argv),
                env=env,
                timeout_s=_TIMEOUT_S,
                ok_codes=_EVERY_CODE,
                output=work.log(host),
                stdin_fd=source,
            )
        )
    except ProcessError as err:
        print(f"{host}: {err}", flush=True)
        return False
    finally:
        if source is not None:
            os.close(source)
    why = ", not reached or ended by a signal" if done.code == _SSH_FAILED else ""
    print(f"{host}: exit code {done.code}{why}, see {work.log(host)}", flush=True)
    return done.code == 0


async def on_all(work: Work, hosts: Sequence[str], at_once: int, runner: Runner) -> list[str]:
    """Do it on all hosts; those where it did not work."""
    turns = asyncio.Semaphore(at_once)

    async def one(host: str) -> bool:
        async with turns:
            return await _on_host(work, host, runner)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(host)) for host in hosts]
    return [host for host, task in zip(hosts, tasks, strict=True) if not task.result()]


def listrunner_parser() -> argparse.ArgumentParser:
    """The parser. ``-h`` is a list of hosts."""
    parser = argparse.ArgumentParser(
        prog="ganeti-listrunner",
        description=__doc__.splitlines()[0],
        allow_abbrev=False,
        add_help=False,
    )
    add = parser.add_argument
    add("--help", action="help", help="show this help message and exit")
    add("-l", dest="logdir", required=True, metavar="DIRECTORY", help="where logs are written")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("-x", dest="executable", metavar="FILE", help="program to copy and run")
    what.add_argument("-c", dest="command", metavar="COMMAND", help="command for the shell there")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("-f", dest="hostfile", metavar="FILE", help="hosts, one a line")
    where.add_argument("-h", dest="hosts", metavar="HOSTS", help="hosts, with commas between")
    add("-a", dest="files", action="append", default=[], metavar="FILE", help="file to copy, too")
    add("-b", dest="at_once", type=int, default=_AT_ONCE, metavar="NUMBER",
        help=f"how many hosts at a time (default: {_AT_ONCE})")  # fmt: skip
    add("-u", dest="user", default="root", help="user there (default: root)")
    how = parser.add_mutually_exclusive_group()
    how.add_argument(
        "-p", dest="password", help="password, which others may see in the process list"
    )
    how.add_argument("-A", dest="agent", action="store_true", help="keys instead of a password")
    add("--args", default="", metavar="ARGUMENTS", help="arguments of the program, for -x")
    return parser


def _parsed(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = listrunner_parser()
    options = parser.parse_args(argv)
    if options.at_once < 1:
        parser.error("-b: at least one at a time")
    if not _USER.fullmatch(options.user):
        parser.error(f"-u: {options.user!r} is no name of a user")
    if options.args and not options.executable:
        parser.error("--args goes with -x")
    return options


def _work(options: argparse.Namespace, place: str) -> Work:
    """What is to be done; ``place`` is a directory of ours for the archive.

    Raises:
        Refused: a file cannot be taken along.
        OSError: the same.
    """
    text, archive = options.command, None
    if options.executable:
        name = shlex.quote(f"./{os.path.basename(options.executable)}")
        text = f"{name} {options.args}".rstrip()
    if options.executable or options.files:
        archive = os.path.join(place, "files.tar")
        with open(archive, "wb") as target:
            pack(target, options.executable, options.files)
        text = in_own_directory(text)
    password = {} if options.agent else _password(options, place)
    means = {} if options.agent else _BY_PASSWORD
    return Work(text, archive, options.logdir, options.user, {**_NEW_HOSTS, **means}, password)


def _password(options: argparse.Namespace, place: str) -> dict[str, str]:
    """Environment in which ssh knows the password, without asking anybody."""
    password = options.password
    if password is None:
        password = getpass.getpass(f"{options.user}'s password for all hosts: ")
    program = os.path.join(place, "askpass")
    with open(program, "w", encoding="ascii") as target:
        target.write(_ASKPASS)
    os.chmod(program, 0o700)
    return {"SSH_ASKPASS": program, "SSH_ASKPASS_REQUIRE": "force", _SECRET: password}


def _run(options: argparse.Namespace, runner: Runner) -> int:
    hosts = wanted_hosts(options)
    os.makedirs(options.logdir, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="ganeti-listrunner-") as place:
        work = _work(options, place)
        failed = asyncio.run(on_all(work, hosts, options.at_once, runner))
    if failed:
        left = ", ".join(failed)
        print(f"ganeti-listrunner: failed on {left}", file=sys.stderr)
        return 1
    return 0


def main(argv: Sequence[str] | None = None, runner: Runner = run) -> int:
    """Entry point; 0 if it worked on all hosts."""
    options = _parsed(argv)
    try:
        return ended("ganeti-listrunner", lambda: _run(options, runner))
    except (KeyboardInterrupt, EOFError):
        print("ganeti-listrunner: interrupted", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
