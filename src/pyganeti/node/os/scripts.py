"""Running the scripts of OS definitions, a log a run."""

from typing import Final

from pyganeti.kit.clock import Clock
from pyganeti.kit.process import Command, ProcessError, Runner
from pyganeti.kit.threads import in_thread
from pyganeti.model.errors import InvalidOS, OpExecError
from pyganeti.node.hypervisor.base import GuestDisk
from pyganeti.node.script_logs import excerpt, make_log, printable, reason
from pyganeti.wire.noderpc.call import DAY_S, FAST_S
from pyganeti.wire.noderpc.specs import InstanceSpec
from pyganeti.wire.noderpc.struct import Params
from pyganeti.wire.noderpc.types import OsInfo

from . import definition as definitions
from .definition import OsDefinition
from .environment import core, for_dump, for_instance
from .output import Secrets, redact_file

# How many characters of what a verify script said.
_SAID: Final = 400


class OsScripts:
    """The OS definitions of a node.

    Args:
        search_path: where definitions lie.
        log_dir: where a run's log goes, named in its error.
        clock: names logs.
    """

    def __init__(self, search_path: tuple[str, ...], log_dir: str, clock: Clock) -> None:
        self._search_path = search_path
        self._log_dir = log_dir
        self._clock = clock

    async def diagnose(self) -> tuple[OsInfo, ...]:
        """All definitions, usable or not."""
        return await in_thread(definitions.diagnose, self._search_path)

    async def find(self, name: str, *, force_variant: bool = False) -> OsDefinition:
        """The definition of ``name`` or ``name+variant``.

        Raises:
            InvalidOS: missing, broken, or it has not this variant.
        """
        base, variant = definitions.split_name(name)
        found = await in_thread(definitions.find, self._search_path, base)
        definitions.check_variant(found, variant, force=force_variant)
        return found

    async def create(
        self,
        instance: InstanceSpec,
        disks: tuple[GuestDisk, ...],
        runner: Runner,
        *,
        reinstall: bool,
        debug: int,
    ) -> None:
        """Install ``instance`` onto its disks.

        Raises:
            InvalidOS: the definition is missing or broken.
            OpExecError: the script failed; names its log and shows the end of it.
        """
        found = await self.find(instance.os, force_variant=True)
        if not found.is_trusted:
            text = f"OS {found.name!r} has only an untrusted create script, not run on a node"
            raise InvalidOS(found.name, found.path, text)
        env = for_instance(found, instance, disks, debug=debug)
        if reinstall:
            env["INSTANCE_REINSTALL"] = "1"
        label = f"add-{instance.os}-{instance.name}"
        await self._run(found, "create", env, label, runner, Secrets(instance.osparams_private))

    async def rename(
        self,
        instance: InstanceSpec,
        disks: tuple[GuestDisk, ...],
        runner: Runner,
        old_name: str,
        *,
        debug: int,
    ) -> None:
        """Let the OS adapt the disks of ``instance``, which had ``old_name`` before.

        Raises:
            InvalidOS: the definition is missing or broken.
            OpExecError: the script failed; names its log and shows the end of it.
        """
        found = await self.find(instance.os, force_variant=True)
        env = for_instance(found, instance, disks, debug=debug)
        env["OLD_INSTANCE_NAME"] = old_name
        label = f"rename-{instance.os}-{old_name}-{instance.name}"
        await self._run(found, "rename", env, label, runner, Secrets(instance.osparams_private))

    async def export(
        self,
        instance: InstanceSpec,
        disks: tuple[GuestDisk, ...],
        device: GuestDisk,
        index: int,
        runner: Runner,
        *,
        debug: int,
    ) -> None:
        """Let the OS write a dump of one disk to standard output, which is the runner's matter.

        Args:
            instance: whose disks they are.
            disks: all of them.
            device: what is read for disk ``index``: it, or a snapshot of it.
            index: which disk.
            runner: runs the script.
            debug: level.

        Raises:
            InvalidOS: the definition is missing or broken.
            OpExecError: the script failed; names its log and shows the end of it.
        """
        await self._dump("export", instance, disks, device, index, runner, debug)

    async def import_(
        self,
        instance: InstanceSpec,
        disks: tuple[GuestDisk, ...],
        device: GuestDisk,
        index: int,
        runner: Runner,
        *,
        debug: int,
    ) -> None:
        """Let the OS fill a disk with a dump on standard input; otherwise as :meth:`export`."""
        await self._dump("import", instance, disks, device, index, runner, debug)

    async def _dump(
        self,
        script: str,
        instance: InstanceSpec,
        disks: tuple[GuestDisk, ...],
        device: GuestDisk,
        index: int,
        runner: Runner,
        debug: int,
    ) -> None:
        found = await self.find(instance.os, force_variant=True)
        env = for_instance(found, instance, disks, debug=debug)
        env |= for_dump(script.upper(), device, index)
        label = f"{script}-{instance.os}-{instance.name}-disk{index}"
        await self._run(found, script, env, label, runner, Secrets(instance.osparams_private))

    async def _run(
        self,
        found: OsDefinition,
        script: str,
        env: dict[str, str],
        label: str,
        runner: Runner,
        secrets: Secrets,
    ) -> None:
        """Run a script with a log of its own."""
        log = await in_thread(make_log, self._log_dir, label, self._clock.now())
        command = Command(
            (found.scripts[script],),
            env=env,
            cwd=found.path,
            output=log,
            timeout_s=DAY_S,
            contained=True,
        )
        await _run_logged(command, log, script, runner, secrets)

    async def validate(
        self,
        name: str,
        checks: tuple[str, ...],
        osparams: Params,
        osparams_private: Params,
        runner: Runner,
        *,
        required: bool,
        force_variant: bool,
    ) -> bool:
        """Check parameters with the definition's verify script; whether there is a definition.

        Raises:
            InvalidOS: missing although ``required``, broken, or the script refused; what it said
                is in the text, without the values of ``osparams_private``.
        """
        base, variant = definitions.split_name(name)
        try:
            found = await in_thread(definitions.find, self._search_path, base)
        except InvalidOS as err:
            if required or err.args[1] is not None:
                raise
            return False
        definitions.check_variant(found, variant, force=force_variant)
        if "parameters" in checks:
            await self._verify(found, name, osparams, osparams_private, runner)
        return True

    async def _verify(
        self,
        found: OsDefinition,
        name: str,
        osparams: Params,
        osparams_private: Params,
        runner: Runner,
    ) -> None:
        if found.api_version < definitions.API_20:
            return
        known = {parameter.name for parameter in found.parameters}
        unknown = sorted({*osparams, *osparams_private} - known)
        if unknown:
            text = f"OS {found.name!r} has no parameters {', '.join(unknown)}"
            raise InvalidOS(found.name, found.path, text)
        if "verify" not in found.scripts:
            return
        argv = (found.scripts["verify"], "parameters")
        env = core(found, name, {**osparams, **osparams_private}, 0)
        try:
            await runner(Command(argv, env=env, cwd=found.path, timeout_s=FAST_S, contained=True))
        except ProcessError as err:
            said = _said(err, Secrets(osparams_private))
            text = f"OS {found.name!r} refuses its parameters: {said}"
            # Not chained: the cause holds the output as it was, and with it the secrets.
            raise InvalidOS(found.name, found.path, text) from None


async def _run_logged(
    command: Command, log: str, script: str, runner: Runner, secrets: Secrets
) -> None:
    """Run a script that writes to ``log``, which holds no secret afterwards."""
    try:
        try:
            await runner(command)
        finally:
            await in_thread(redact_file, log, secrets)
    except ProcessError as err:
        end = await in_thread(excerpt, log)
        text = f"OS {script} script failed ({reason(err)}), last lines in the log file:\n{end}"
        raise OpExecError(f"{text}\nlog file: {log}") from err


def _said(err: ProcessError, secrets: Secrets) -> str:
    """How a script ended that has no log, and the end of what it said."""
    if err.finished is None:
        return reason(err)
    how, _colon, _output = reason(err).partition(": ")
    output = (err.finished.stderr.strip() or err.finished.stdout.strip()).encode()
    # Redacted before it is cut: a part of a secret would not be known.
    said = printable(secrets.redact(output))[-_SAID:]
    return f"{how}: {said}" if said else how
