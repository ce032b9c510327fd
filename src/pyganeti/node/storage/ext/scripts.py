"""Running the scripts of external storage providers: environment, limits, a log a run.

    DiskSpec, script -> variables -> program -> its output, or one line that says why not

A script is somebody else's: it has a time limit, and when it ends it has left nothing in its
process group. Source: ganeti-extstorage-interface(7).
"""

import os
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from pyganeti.kit.clock import Clock
from pyganeti.kit.process import Command, ProcessError, Runner
from pyganeti.kit.threads import in_thread
from pyganeti.model.errors import StorageError
from pyganeti.node.script_logs import excerpt, make_log, printable, reason
from pyganeti.node.storage.providers import Provider, diagnose, find
from pyganeti.wire.noderpc.specs import DiskSpec
from pyganeti.wire.noderpc.types import ProviderInfo

PATH: Final = "/sbin:/bin:/usr/sbin:/usr/bin"
# Whoever calls waits longer than these together, so that what comes is the reason and no silence.
SLOW_S: Final = 1800.0
QUICK_S: Final = 300.0
_SLOW: Final = frozenset({"create", "grow", "remove", "snapshot"})
_VOLUME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_PARAMETER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OWN_PARAMETERS: Final = ("access",)
_SAID: Final = 400


class ScriptFailed(StorageError):
    """A script ended badly.

    Attributes:
        killed: it was ended by us, wherever it was.
    """

    killed = False


class ProviderScripts:
    """The providers of a node.

    Args:
        search_path: where they lie.
        runner: runs their scripts.
        log_dir: where the log of each run goes.
        clock: names logs.
        slow_s: how long a script may take that makes, grows, copies or removes a volume.
        quick_s: how long any other may.
    """

    def __init__(
        self,
        search_path: tuple[str, ...],
        runner: Runner,
        log_dir: str,
        clock: Clock,
        *,
        slow_s: float = SLOW_S,
        quick_s: float = QUICK_S,
    ) -> None:
        self._slow_s, self._quick_s = slow_s, quick_s
        self._search_path = search_path
        self._runner = runner
        self._log_dir = log_dir
        self._clock = clock

    async def diagnose(self) -> tuple[ProviderInfo, ...]:
        """All providers, usable or not."""
        return await in_thread(diagnose, self._search_path)

    async def find(self, name: str) -> Provider:
        """A usable provider.

        Raises:
            StorageError: there is none of that name, or it is broken.
        """
        return await in_thread(find, self._search_path, name)

    async def has(self, disk: DiskSpec, script: str) -> bool:
        """Whether the provider of ``disk`` has an optional script.

        Raises:
            StorageError: the provider is missing or broken.
        """
        return script in (await self._provider(disk)).scripts

    async def run(self, disk: DiskSpec, script: str, **variables: str) -> str:
        """Run a script for ``disk``; what it wrote to standard output, of ``attach`` only.

        Args:
            disk: the volume.
            script: its name.
            variables: besides those that all have.

        Raises:
            ScriptFailed: names disk, provider, script, reason and log.
            StorageError: the provider is missing or broken.
        """
        provider = await self._provider(disk)
        env = environment(disk) | variables
        label = f"{script}-{provider.name}-{disk.logical_id[1]}"
        log = await in_thread(make_log, self._log_dir, label, self._clock.now())
        command = Command(
            (os.path.join(provider.path, script),),
            env=env,
            cwd=provider.path,
            timeout_s=self._slow_s if script in _SLOW else self._quick_s,
            # What attach says is its answer; of the others only the log is of interest.
            output=None if script == "attach" else log,
            contained=True,
        )
        try:
            done = await self._runner(command)
        except ProcessError as err:
            await in_thread(_append, log, err)
            raise await in_thread(_failure, disk, provider, script, err, log) from err
        await in_thread(_write, log, done.stdout + done.stderr)
        return done.stdout

    async def verify(self, name: str, params: Mapping[str, Any]) -> Provider:
        """A usable provider that takes these parameters; its script ``verify`` has the last word.

        Raises:
            StorageError: says what is wrong.
        """
        provider = await self.find(name)
        unknown = sorted(set(params) - set(provider.parameters))
        if unknown:
            known = ", ".join(provider.parameters) or "none"
            text = f"provider {name!r} has no parameter {unknown[0]!r}, it has: {known}"
            raise StorageError(text)
        command = Command(
            (os.path.join(provider.path, "verify"), "parameters"),
            env={"PATH": PATH} | parameters(params),
            cwd=provider.path,
            timeout_s=self._quick_s,
            contained=True,
        )
        try:
            await self._runner(command)
        except ProcessError as err:
            text = f"provider {name!r} refuses its parameters: {_one_line(_said(err))}"
            raise StorageError(text) from err
        return provider

    async def _provider(self, disk: DiskSpec) -> Provider:
        name, _volume = place(disk)
        try:
            return await self.find(name)
        except StorageError as err:
            raise StorageError(f"{disk.iv_name}: {err}") from err


def place(disk: DiskSpec) -> tuple[str, str]:
    """Provider and volume of ``disk``.

    Raises:
        StorageError: it has none, or the volume's name is not one that is given.
    """
    try:
        provider, volume = disk.logical_id
    except ValueError as err:
        raise StorageError(f"{disk.iv_name}: {disk.logical_id!r} is no volume's place") from err
    if not _VOLUME.fullmatch(str(volume)):
        raise StorageError(f"{disk.iv_name}: {volume!r} is no name of a volume")
    return str(provider), str(volume)


def parameters(params: Mapping[str, Any]) -> dict[str, str]:
    """Parameters of a provider as variables.

    Raises:
        StorageError: one cannot be a variable.
    """
    found: dict[str, str] = {}
    for name, value in params.items():
        if name in _OWN_PARAMETERS:
            continue
        if not _PARAMETER.fullmatch(name) or "\0" in str(value):
            raise StorageError(f"parameter {name!r} of a provider cannot be a variable")
        found[f"EXTP_{name.upper()}"] = str(value)
    return found


def environment(disk: DiskSpec) -> dict[str, str]:
    """The variables of all scripts.

    Raises:
        StorageError: see :func:`place` and :func:`parameters`.
    """
    _provider, volume = place(disk)
    found = {"PATH": PATH, "VOL_NAME": volume, "VOL_UUID": disk.uuid}
    named = {"VOL_CNAME": disk.name} if disk.name else {}
    return found | named | parameters(disk.params)


def _append(log: str, err: ProcessError) -> None:
    """Put what is not in the log yet there."""
    said = "" if err.finished is None else err.finished.stdout + err.finished.stderr
    _write(log, f"{said}{reason(err).partition(':')[0]}\n")


def _write(log: str, text: str) -> None:
    # A full disk costs the end of a log, not the work that is logged.
    with suppress(OSError), open(log, "a", encoding="utf-8") as handle:
        handle.write(text)


def _failure(
    disk: DiskSpec, provider: Provider, script: str, err: ProcessError, log: str
) -> ScriptFailed:
    how = reason(err).partition(":")[0]
    said = _one_line(excerpt(log).rstrip().removesuffix(how))
    text = f"{disk.iv_name}: script {script!r} of provider {provider.name!r}: {how}"
    failure = ScriptFailed(f"{text}{f': {said}' if said else ''}; log file: {log}")
    failure.killed = err.finished is None
    return failure


def _said(err: ProcessError) -> str:
    if err.finished is None:
        return reason(err)
    said = err.finished.stderr.strip() or err.finished.stdout.strip()
    return f"{reason(err).partition(':')[0]}: {printable(said.encode())}"


def _one_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines()]
    return "; ".join(line for line in lines if line)[-_SAID:]
