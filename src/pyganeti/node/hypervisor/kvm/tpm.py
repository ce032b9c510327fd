"""Emulated TPMs: an ``swtpm`` beside a guest's QEMU, with its state on a disk of the instance.

It listens before QEMU is started and ends with it, however that ends. Its socket's path, which is
the guest's own, stands on its command line: so one that nobody ever connected to, because what
started it was killed, is found by that.

Source: swtpm(8); docs/design/0012-firmware.md.
"""

import json
import os
import signal
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

from pyganeti.kit.clock import Clock
from pyganeti.kit.files import remove
from pyganeti.kit.process import Command, ProcessError, Runner, is_at_work
from pyganeti.kit.threads import in_thread
from pyganeti.model.errors import HypervisorError
from pyganeti.wire.noderpc.struct import Params

from .facts import QemuFacts
from .layout import GuestPaths
from .process import read_bytes_quietly

PROGRAM: Final = "swtpm"
DEVICE: Final = "tpm-crb"
_FILE_BACKEND: Final = "nvram-backend-file"
# It locks its state, and lets go of it for the guest's next node.
_LOCKS: Final = "cmdarg-migration"
# With QEMU's end it has still to write; then it is told, and then ended.
_SIGNALS: Final = (None, signal.SIGTERM, signal.SIGKILL)
_PATIENCE_S: Final = 3.0
_POLL_S: Final = 0.05


def tpm_arguments(paths: GuestPaths) -> list[str]:
    """QEMU's arguments for a guest that has a TPM."""
    # A comma in an option's value is written twice.
    socket = paths.tpm.replace(",", ",,")
    return [
        *("-chardev", f"socket,id=chrtpm,path={socket}"),
        *("-tpmdev", "emulator,id=tpm,chardev=chrtpm"),
        *("-device", f"{DEVICE},tpmdev=tpm"),
    ]


def swtpm_command(
    paths: GuestPaths, device: str, features: frozenset[str], *, incoming: bool
) -> Command:
    """Start a TPM whose state is on ``device``."""
    argv = [PROGRAM, "socket", "--tpm2", "--tpmstate", f"backend-uri=file://{device}"]
    argv += ["--ctrl", _control(paths), "--terminate", "--daemon"]
    if _LOCKS in features:
        arriving = ",incoming" if incoming else ""
        argv += ["--migration", f"release-lock-outgoing{arriving}"]
    return Command(tuple(argv))


def _control(paths: GuestPaths) -> str:
    return f"type=unixio,path={paths.tpm},mode=0600"


def parse_features(text: str) -> frozenset[str]:
    """What an swtpm says that it can do.

    Raises:
        HypervisorError: the answer is no such list.
    """
    try:
        return frozenset(map(str, json.loads(text)["features"]))
    except (ValueError, KeyError, TypeError) as err:
        raise HypervisorError(f"unexpected answer from swtpm: {text[:200]!r}") from err


class Tpms:
    """The TPMs of a node's guests.

    Args:
        runner: runs swtpm.
        clock: for waits.
    """

    def __init__(self, runner: Runner, clock: Clock) -> None:
        self._run = runner
        self._clock = clock

    async def check(self, hvparams: Params, facts: QemuFacts) -> None:
        """Refuse guests with a TPM where there can be none.

        Raises:
            HypervisorError: swtpm is missing or too old, or QEMU cannot use it.
        """
        why = ""
        if DEVICE not in facts.devices or "tpmdev" not in facts.options:
            why = f"QEMU {facts.version} has no device {DEVICE}"
        else:
            try:
                if _FILE_BACKEND not in await self._features():
                    why = "the swtpm of this node cannot keep its state on a disk, 0.7 can"
            except ProcessError as err:
                why = f"this node has no swtpm (Debian's package swtpm): {err}"
        if why:
            text = f"{hvparams['tpm']!r}, expected none, because {why}"
            raise HypervisorError(f"hypervisor parameter tpm: {text}")

    async def _features(self) -> frozenset[str]:
        asked = Command((PROGRAM, "socket", "--tpm2", "--print-capabilities"))
        return parse_features((await self._run(asked)).stdout)

    async def start(self, paths: GuestPaths, device: str, *, incoming: bool) -> None:
        """Start a guest's TPM; one that was left there is ended first.

        Raises:
            HypervisorError: it does not start.
        """
        if not device:
            text = "its disk has no block device on this node: it cannot have access=userspace"
            raise HypervisorError(f"a TPM cannot be started: {text}")
        await self.end(paths)
        try:
            features = await self._features()
            await self._run(swtpm_command(paths, device, features, incoming=incoming))
        except ProcessError as err:
            reason = "; ".join(str(err).splitlines())
            raise HypervisorError(f"a TPM cannot be started: {reason}") from err

    async def end(self, paths: GuestPaths) -> None:
        """Wait until the TPM of a guest that does not run is gone, and end it if need be.

        It removes its socket before it ends and lets go of its disk, so that one tells nothing.
        """
        for number in _SIGNALS:
            found = await in_thread(_find, paths)
            for pid in found if number is not None else ():
                with suppress(ProcessLookupError):
                    os.kill(pid, number or signal.SIGTERM)
            if not found or await self._gone(found):
                break
        remove(paths.tpm)

    async def _gone(self, pids: Iterable[int]) -> bool:
        deadline = self._clock.monotonic() + _PATIENCE_S
        while any(is_at_work(pid) for pid in pids):
            if self._clock.monotonic() >= deadline:
                return False
            await self._clock.sleep(_POLL_S)
        return True


def _find(paths: GuestPaths) -> tuple[int, ...]:
    """Processes of this guest's TPM: by their command lines, since a pid alone proves nothing."""
    wanted = _control(paths).encode()
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit() and is_at_work(int(name)):
            words = read_bytes_quietly(f"/proc/{name}/cmdline").split(b"\0")
            if wanted in words and os.path.basename(words[0]) == PROGRAM.encode():
                found.append(int(name))
    return tuple(found)
