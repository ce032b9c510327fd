"""The only place that starts processes.

Drivers build a :class:`Command` (pure), pass it to a :class:`Runner` (here), and parse the
:class:`Finished` it returns. The real runner is :func:`run`; tests pass a scripted one.
"""

import asyncio
import os
import shlex
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Protocol

from pyganeti.kit.outputs import OUTPUT_LIMIT, Outputs
from pyganeti.kit.uninterrupted import uninterrupted

DEFAULT_TIMEOUT_S: Final = 60.0
# What of a failed program's output goes into an error message.
_EXCERPT: Final = 400
# PF_EXITING of the kernel.
_EXITING: Final = 0x4


class ProcessError(Exception):
    """A program could not be started, failed, or took too long.

    Attributes:
        command: what was run.
        finished: how it ended, or ``None`` when it never started or was killed for its time.
    """

    def __init__(self, command: "Command", reason: str, finished: "Finished | None" = None) -> None:
        super().__init__(f"{command.argv[0]}: {reason}")
        self.command = command
        self.finished = finished


@dataclass(frozen=True, slots=True)
class Command:
    """A program to run, as data.

    Attributes:
        argv: program and arguments; no shell is involved.
        stdin: what it reads.
        env: its whole environment, or ``None`` to inherit ours with ``LC_ALL=C``.
        timeout_s: after this it is killed with its process group.
        ok_codes: exit codes that are not failures.
        cwd: working directory.
        output: file to append standard output and error to; they are not returned then.
        pass_fds: open file descriptors it inherits under the same numbers.
        stdin_fd: open file descriptor it reads from instead; stays the caller's.
        stdout_fd: the same for its standard output, which then is neither returned nor in
            ``output``.
        stderr_fd: the same for its standard error.
        contained: it is somebody else's script. When it ends, what it left in its process group
            is killed; when it writes more than :data:`~.outputs.OUTPUT_LIMIT`, all of it is. It
            has no ``stdin``.
    """

    argv: tuple[str, ...]
    stdin: bytes = b""
    env: Mapping[str, str] | None = None
    timeout_s: float = DEFAULT_TIMEOUT_S
    ok_codes: frozenset[int] = frozenset({0})
    cwd: str | None = None
    output: str | None = None
    pass_fds: tuple[int, ...] = ()
    stdin_fd: int | None = None
    stdout_fd: int | None = None
    stderr_fd: int | None = None
    contained: bool = False

    def __str__(self) -> str:
        return shlex.join(self.argv)


@dataclass(frozen=True, slots=True)
class Finished:
    """How a program ended: exit code (negative: killed by that signal) and its decoded output."""

    code: int
    stdout: str
    stderr: str


class Runner(Protocol):
    """Runs commands; :func:`run` or a fake."""

    async def __call__(self, command: Command) -> Finished:
        """Run ``command`` to its end.

        Raises:
            ProcessError: it could not be started, ended with a code outside ``ok_codes``, or
                took longer than ``timeout_s``.
        """
        ...


def _environment(env: Mapping[str, str] | None) -> dict[str, str]:
    return dict(env) if env is not None else {**os.environ, "LC_ALL": "C"}


def _checked(command: Command, code: int, out: bytes, err: bytes) -> Finished:
    finished = Finished(code, out.decode("utf-8", "replace"), err.decode("utf-8", "replace"))
    if code not in command.ok_codes:
        said = (finished.stderr.strip() or finished.stdout.strip())[-_EXCERPT:]
        how = f"exit code {code}" if code >= 0 else f"killed by signal {-code}"
        raise ProcessError(command, f"{how}: {said}" if said else how, finished)
    return finished


def _open_output(path: str, command: Command) -> int:
    try:
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    except OSError as err:
        raise ProcessError(command, f"{path}: {err.strerror}") from err


async def run(command: Command, *, started: Callable[[int], None] | None = None) -> Finished:
    """Run ``command`` in its own process group; see :class:`Runner`.

    Cancelling kills the group before it returns.

    Args:
        command: what to run.
        started: told the process group as soon as there is one.
    """
    if command.contained:
        return await _run_contained(command, started)
    output = subprocess.PIPE if command.output is None else _open_output(command.output, command)
    try:
        process = await _start_whole(command, output, output)
    finally:
        if output >= 0:
            os.close(output)
    try:
        if started is not None:
            started(process.pid)
        async with asyncio.timeout(command.timeout_s):
            out, err_out = await process.communicate(command.stdin or None)
    except TimeoutError as err:
        await _kill_and_reap(process)
        raise _too_late(command) from err
    except BaseException:
        await _kill_and_reap(process)
        raise
    return _checked(command, process.returncode or 0, out or b"", err_out or b"")


async def _run_contained(command: Command, started: Callable[[int], None] | None) -> Finished:
    """As :func:`run`, of one that may leave nothing behind and not write without end."""
    leader: list[int] = []

    def end() -> None:
        for pid in leader:
            kill_group(pid)

    log = None if command.output is None else _open_output(command.output, command)
    try:
        with Outputs(log, command.stdout_fd, end) as outputs:
            process = await _start_whole(command, outputs.stdout, outputs.stderr)
            leader.append(process.pid)
            outputs.started()
            if outputs.overflowed:
                end()  # it was that quick
            try:
                if started is not None:
                    started(process.pid)
                async with asyncio.timeout(command.timeout_s):
                    await process.wait()
            except TimeoutError as err:
                raise _too_late(command) from err
            finally:
                # After an ordinary end too, for what it left running.
                await _kill_and_reap(process)
    finally:
        if log is not None:
            os.close(log)
    if outputs.overflowed:
        raise ProcessError(command, f"wrote more than {OUTPUT_LIMIT >> 20} MiB, killed")
    return _checked(command, process.returncode or 0, bytes(outputs.out), bytes(outputs.err))


def _too_late(command: Command) -> ProcessError:
    return ProcessError(command, f"no end after {command.timeout_s:g} s, killed")


async def _start_whole(command: Command, stdout: int, stderr: int) -> asyncio.subprocess.Process:
    """Start it; if the caller is cancelled meanwhile, nothing of it is left."""
    found: list[asyncio.subprocess.Process] = []

    async def start() -> None:
        found.append(await _start(command, stdout, stderr))

    try:
        # The event loop ends only the first process of a start that is cancelled, and then waits
        # for all that have its pipes.
        await uninterrupted(start())
    except asyncio.CancelledError:
        for process in found:
            await _kill_and_reap(process)
        raise
    return found[0]


async def _start(command: Command, stdout: int, stderr: int) -> asyncio.subprocess.Process:
    stdin = asyncio.subprocess.PIPE if command.stdin else asyncio.subprocess.DEVNULL
    try:
        return await asyncio.create_subprocess_exec(
            *command.argv,
            stdin=stdin if command.stdin_fd is None else command.stdin_fd,
            stdout=stdout if command.stdout_fd is None else command.stdout_fd,
            stderr=stderr if command.stderr_fd is None else command.stderr_fd,
            env=_environment(command.env),
            cwd=command.cwd,
            start_new_session=True,
            pass_fds=command.pass_fds,
        )
    except OSError as err:
        raise ProcessError(command, err.strerror or str(err)) from err


async def _kill_and_reap(process: asyncio.subprocess.Process) -> None:
    kill_group(process.pid)
    await process.wait()


def kill_group(pid: int, sig: int = signal.SIGKILL) -> None:
    """Send ``sig`` to the process group led by ``pid``; a missing one is fine."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, sig)


def run_blocking(command: Command) -> Finished:
    """As :func:`run`, for programs without an event loop."""
    try:
        done = subprocess.run(
            command.argv,
            input=command.stdin,
            capture_output=True,
            env=_environment(command.env),
            cwd=command.cwd,
            timeout=command.timeout_s,
            check=False,
        )
    except OSError as err:
        raise ProcessError(command, err.strerror or str(err)) from err
    except subprocess.TimeoutExpired as err:
        raise _too_late(command) from err
    return _checked(command, done.returncode, done.stdout, done.stderr)


def run_attached(argv: Sequence[str], env: Mapping[str, str] | None = None) -> int:
    """Run ``argv`` on the caller's terminal and return its exit code (consoles, ssh).

    Raises:
        ProcessError: it could not be started.
    """
    try:
        return subprocess.call(list(argv), env=None if env is None else dict(env))
    except OSError as err:
        raise ProcessError(Command(tuple(argv)), err.strerror or str(err)) from err


def spawn_daemon(
    argv: Sequence[str], *, env: Mapping[str, str] | None = None, output: int | None = None
) -> int:
    """Start ``argv`` detached from us, in a session of its own, and return its pid.

    Args:
        argv: program and arguments.
        env: its environment, or ours.
        output: a file descriptor for its standard output and error, or ``/dev/null``.

    Raises:
        ProcessError: it could not be started.
    """
    where = subprocess.DEVNULL if output is None else output
    try:
        child = subprocess.Popen(
            list(argv),
            stdin=subprocess.DEVNULL,
            stdout=where,
            stderr=where,
            env=None if env is None else dict(env),
            start_new_session=True,
        )
    except OSError as err:
        raise ProcessError(Command(tuple(argv)), err.strerror or str(err)) from err
    # It outlives us on purpose: no one here waits for it.
    child.returncode = 0
    return child.pid


def ended_with(pid: int) -> int | None:
    """How a daemon that we started ended: its exit code, or minus the signal's number.

    ``None`` if it runs, is not ours, or was asked for before.
    """
    try:
        found, status = os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return None
    return os.waitstatus_to_exitcode(status) if found else None


def start_time(pid: int) -> int | None:
    """Start time of ``pid`` in clock ticks since boot, or ``None`` if it does not run.

    With the pid it names a process for good; a zombie does not run.
    """
    fields = _status_fields(pid)
    return None if not fields or fields[0] in (b"Z", b"X") else int(fields[19])


def is_at_work(pid: int) -> bool:
    """Whether ``pid`` runs and is not being taken down: one with much memory takes a while."""
    fields = _status_fields(pid)
    return bool(fields) and fields[0] not in (b"Z", b"X") and not int(fields[6]) & _EXITING


def _status_fields(pid: int) -> list[bytes]:
    """What the kernel says of ``pid`` after its name, see proc(5); nothing if it is gone."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as handle:
            return handle.read().rpartition(b")")[2].split()
    except OSError:
        return []


def is_alive(pid: int) -> bool:
    """Whether ``pid`` runs (a zombie does not)."""
    return start_time(pid) is not None
