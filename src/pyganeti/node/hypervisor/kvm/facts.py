"""What the installed QEMU can do, asked of QEMU itself and kept until the program changes."""

import asyncio
import os
import re
from dataclasses import dataclass
from typing import Final

from pyganeti.kit.clock import monotonic
from pyganeti.kit.files import write_atomic
from pyganeti.kit.process import Command, ProcessError, Runner
from pyganeti.kit.threads import in_thread
from pyganeti.model.errors import HypervisorError

from . import probe
from .attempts import Attempt, attempt_command, refusal
from .schema import QmpSchema, parse_schema, schema_command

_BY_GUEST: Final = "guest-shutdown"


@dataclass(frozen=True, slots=True)
class QemuFacts:
    """Answers of one QEMU program.

    Attributes:
        version: as QEMU says it.
        machines: all machine types, aliases included.
        default_machine: the versioned type that ``pc`` means, or QEMU's default where it has no pc.
        devices: all device models and their aliases.
        options: names of the command line's options, without the dash.
        events: what it can trace.
        schema: commands and events of its QMP.
    """

    version: str
    machines: frozenset[str]
    default_machine: str
    devices: frozenset[str]
    options: frozenset[str]
    events: frozenset[str]
    schema: QmpSchema

    @property
    def guest_shutdown(self) -> int | None:
        """The number of the cause ``guest-shutdown`` in what is traced, if it is known."""
        causes = self.schema.values("SHUTDOWN", "reason")
        return causes.index(_BY_GUEST) if _BY_GUEST in causes else None

    @property
    def capabilities(self) -> frozenset[str]:
        """Names of what a migration can do."""
        return frozenset(self.schema.values("migrate-set-capabilities", "capability"))


def parse_version(text: str) -> str:
    """Version in the answer to ``-version``.

    Raises:
        HypervisorError: there is none.
    """
    found = re.search(r"version (\S+)", text)
    if found is None:
        raise HypervisorError(f"unexpected answer from QEMU: {text[:200]!r}")
    return found.group(1)


def parse_machines(text: str) -> tuple[frozenset[str], str]:
    """All machine types in the answer to ``-machine help``, and the default.

    Raises:
        HypervisorError: no default is named.
    """
    lines = [line.split(None, 1) for line in text.splitlines()[1:] if line.strip()]
    names = frozenset(line[0] for line in lines)
    alias = re.search(r"^pc\s.*\(alias of (\S+)\)", text, re.MULTILINE)
    default = re.search(r"^(\S+)\s.*\(default\)", text, re.MULTILINE)
    found = alias or default
    if found is None:
        raise HypervisorError(f"QEMU names no default machine: {text[:200]!r}")
    return names, found.group(1)


def parse_devices(text: str) -> frozenset[str]:
    """All device models and aliases in the answer to ``-device help``."""
    return frozenset(re.findall(r'(?:name|alias) "([^"]+)"', text))


def parse_options(text: str) -> frozenset[str]:
    """Names of all options in the answer to ``-help``."""
    return frozenset(re.findall(r"^-([a-z][a-z0-9-]*)", text, re.MULTILINE))


class QemuAsker:
    """Asks QEMU programs, each once: answers are kept by path, size and time of change.

    Args:
        runner: runs QEMU.
        directory: for the probe's image; below the run directory.
    """

    def __init__(self, runner: Runner, directory: str) -> None:
        self._run = runner
        self._directory = directory
        self._facts: dict[tuple[str, int, int], QemuFacts] = {}
        self._kvm: dict[tuple[str, int, int, str], bool] = {}
        self._refusals: dict[tuple[str, int, int, Attempt], str | None] = {}
        self._lock = asyncio.Lock()

    async def facts(self, qemu: str) -> QemuFacts:
        """What the program ``qemu`` can do.

        Raises:
            HypervisorError: it cannot be run, or is no QEMU.
        """
        key = _identity(qemu)
        async with self._lock:
            if key not in self._facts:
                self._facts[key] = await self._ask(qemu)
            return self._facts[key]

    async def kvm_works(self, qemu: str, cpu_type: str) -> bool:
        """Whether ``qemu`` runs a guest of ``cpu_type`` under the kernel's KVM here."""
        if not os.access("/dev/kvm", os.R_OK | os.W_OK):
            return False
        key = (*_identity(qemu), cpu_type)
        async with self._lock:
            if key not in self._kvm:
                self._kvm[key] = await self._probe(qemu, cpu_type)
            return self._kvm[key]

    async def refusal(self, qemu: str, attempt: Attempt) -> str | None:
        """Why ``qemu`` does not take these arguments; ``None`` if it does."""
        key = (*_identity(qemu), attempt)
        async with self._lock:
            if key not in self._refusals:
                self._refusals[key] = await self._attempt(qemu, attempt)
            return self._refusals[key]

    async def _attempt(self, qemu: str, attempt: Attempt) -> str | None:
        try:
            await self._run(attempt_command(qemu, attempt))
        except ProcessError as err:
            if err.finished is None:
                raise HypervisorError(f"QEMU cannot be run: {err}") from err
            return refusal(attempt, err.finished.stderr)
        return None

    async def _ask(self, qemu: str) -> QemuFacts:
        try:
            version = (await self._run(Command((qemu, "-version")))).stdout
            machines = (await self._run(Command((qemu, "-machine", "help")))).stdout
            devices = (await self._run(Command((qemu, "-device", "help")))).stdout
            options = (await self._run(Command((qemu, "-help")))).stdout
            events = await self._run(Command((qemu, "-trace", "help")))
            schema = await self._ask_schema(qemu)
        except ProcessError as err:
            raise HypervisorError(f"QEMU cannot be run: {err}") from err
        names, default = parse_machines(machines)
        return QemuFacts(
            version=parse_version(version),
            machines=names,
            default_machine=default,
            devices=parse_devices(devices),
            options=parse_options(options),
            # Old ones said it on the other channel.
            events=frozenset((*events.stdout.split(), *events.stderr.split())),
            schema=parse_schema(schema),
        )

    async def _ask_schema(self, qemu: str) -> str:
        fd = os.memfd_create("qmp-schema")
        try:
            await self._run(schema_command(qemu, fd))
            return os.pread(fd, os.fstat(fd).st_size, 0).decode("utf-8", "replace")
        finally:
            os.close(fd)

    async def _probe(self, qemu: str, cpu_type: str) -> bool:
        path = await in_thread(_write_rom, self._directory)
        try:
            begun = monotonic()
            await self._run(probe.emulated_command(qemu, path))
            limit = probe.timeout_s(monotonic() - begun)
            await self._run(probe.probe_command(qemu, "kvm", cpu_type, path, limit))
        except ProcessError:
            return False
        finally:
            await in_thread(os.unlink, path)
        return True


def _write_rom(directory: str) -> str:
    os.makedirs(directory, 0o755, exist_ok=True)
    # Always the same name: what a daemon that was killed left is replaced, not added to.
    path = f"{directory}/probe.rom"
    write_atomic(path, probe.rom(), durable=False)
    return path


def _identity(qemu: str) -> tuple[str, int, int]:
    try:
        status = os.stat(qemu)
    except OSError as err:
        raise HypervisorError(f"kvm_path: {qemu}: {err.strerror}") from err
    return qemu, status.st_size, status.st_mtime_ns
