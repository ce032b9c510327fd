"""Untrusted create scripts: a helper boots with the instance's disks and runs the script.

    image -> helper -> asks metad for script and environment -> tells it how that went -> ends

Nothing of the definition is run on the node. Source: docs/design/0018-untrusted-os.md.
"""

import os
import string
from dataclasses import replace
from typing import Final, Protocol

import msgspec

from pyganeti.kit.clock import Clock
from pyganeti.kit.threads import in_thread
from pyganeti.model.communication import HELPER_IP, nic_name
from pyganeti.model.errors import GenericError, OpExecError
from pyganeti.node.helper_guests import POLL_S, HelperGuests, as_helper, has_ended, own_disks
from pyganeti.node.hypervisor.base import GuestDisk, Hypervisor
from pyganeti.node.os.definition import OsDefinition
from pyganeti.node.os.environment import for_instance
from pyganeti.node.os.output import Secrets
from pyganeti.node.os.scripts import OsScripts
from pyganeti.node.script_logs import excerpt, make_log
from pyganeti.wire.helper_words import METHOD, NOTHING, Heard
from pyganeti.wire.luxi.client import LuxiClient
from pyganeti.wire.noderpc.guests import GuestInfo
from pyganeti.wire.noderpc.instance import InstanceInstallCall
from pyganeti.wire.noderpc.specs import InstanceSpec, NicSpec, ScriptSpec
from pyganeti.wire.noderpc.struct import Params

# Disks and NIC are where the image looks for them, whatever the instance's are to be.
_OVERRIDES: Final[Params] = {
    "disk_type": "paravirtual",
    "nic_type": "paravirtual",
    # A reset is no shutdown, and a shutdown is told apart from a crash.
    "reboot_behavior": "exit",
    "serial_console": True,
    "user_shutdown": True,
}
_MAC: Final = "52:54:00:a9:fe:fd"
_NIC_UUID: Final = "00000000-0000-4000-8000-000000000001"
# A busy node's daemon may take its time, and what it knows must not be missed.
_PATIENCE_S: Final = 30.0


class HelperWords(Protocol):
    """What helpers say."""

    async def heard(self, run: str) -> Heard:
        """What the helper of a run has said so far; nothing if that cannot be known now."""
        ...


class MetadWords:
    """Helpers talk to the metadata daemon, which is asked.

    Args:
        socket_path: where it listens.
    """

    def __init__(self, socket_path: str) -> None:
        self._socket_path = socket_path

    async def heard(self, run: str) -> Heard:
        """See :class:`HelperWords`."""
        return await in_thread(self._ask, run)

    def _ask(self, run: str) -> Heard:
        try:
            with LuxiClient(
                self._socket_path, connect_timeout_s=_PATIENCE_S, rw_timeout_s=_PATIENCE_S
            ) as daemon:
                return msgspec.convert(daemon.call(METHOD, [run]), Heard)
        except (GenericError, msgspec.ValidationError):
            return NOTHING  # it is being started, perhaps


class Installing:
    """Runs the helpers that run untrusted scripts.

    Args:
        guests: the helpers of this node.
        oses: the definitions.
        words: what helpers say.
        log_dir: where what scripts printed goes.
        clock: for waits, and to name logs.
    """

    def __init__(
        self,
        guests: HelperGuests,
        oses: OsScripts,
        words: HelperWords,
        log_dir: str,
        clock: Clock,
    ) -> None:
        self._guests = guests
        self._oses = oses
        self._words = words
        self._log_dir = log_dir
        self._clock = clock

    async def run(
        self,
        driver: Hypervisor,
        call: InstanceInstallCall,
        disks: tuple[GuestDisk, ...],
        run: str,
    ) -> bool:
        """Do it; whether the helper told how the script went.

        Args:
            driver: runs the helper.
            call: what is wanted.
            disks: of the instance, active here.
            run: names this run.

        Raises:
            InvalidOS: the definition is missing or broken.
            OpExecError: see the call.
            HypervisorError: the helper cannot be started.
        """
        found = await self._oses.find(call.instance.os, force_variant=True)
        helper = helper_spec(found, call, disks, run)
        async with self._guests.running(driver, helper, disks, call.image, "install image"):
            heard = await self._watch(driver, call, run)
        private = Secrets({**call.instance.osparams_private, **call.secrets})
        await self._judge(call.instance, heard, private)
        return heard.code is not None

    async def _watch(self, driver: Hypervisor, call: InstanceInstallCall, run: str) -> Heard:
        """Wait until the helper has ended, or has told of a failure; what it said.

        Raises:
            OpExecError: too late, or it crashed.
        """
        name = call.instance.name
        deadline, awake = self._clock.monotonic() + call.startup_s, False
        while True:
            # In this order: who has ended says no more.
            guest = await driver.info(name)
            heard = await self._words.heard(run)
            if heard.code or (has_ended(guest) and _is_done(guest, heard)):
                return heard
            if has_ended(guest):
                text = "has crashed, or reset itself, and did not tell how the script went"
                raise OpExecError(f"the helper that installs {name} {text}")
            if heard.asked and not awake:
                deadline, awake = self._clock.monotonic() + call.shutdown_s, True
            if self._clock.monotonic() >= deadline:
                raise _too_late(call, awake=awake)
            await self._clock.sleep(POLL_S)

    async def _judge(self, instance: InstanceSpec, heard: Heard, private: Secrets) -> None:
        if heard.code is None:
            return
        log = ""
        if heard.output:
            log = await in_thread(self._write_log, instance, private.redact(heard.output.encode()))
        if not heard.code:
            return
        text = f"OS create_untrusted script failed (exit code {heard.code})"
        if not log:
            raise OpExecError(f"{text} and said nothing")
        end = await in_thread(excerpt, log)
        text = f"{text}, last lines in the log file:\n{end}\nlog file: {log}"
        raise OpExecError(text)

    def _write_log(self, instance: InstanceSpec, output: bytes) -> str:
        log = make_log(self._log_dir, f"add-{instance.os}-{instance.name}", self._clock.now())
        with open(log, "r+b") as handle:
            handle.write(output)
        return log


def _is_done(guest: GuestInfo | None, heard: Heard) -> bool:
    """Whether one that has ended did so because all is done: it says so, or has shut down."""
    return heard.code is not None or guest is not None


def _too_late(call: InstanceInstallCall, *, awake: bool) -> OpExecError:
    who = f"the helper that installs {call.instance.name}"
    if awake:
        return OpExecError(f"{who} has not ended {call.shutdown_s:g} s after it first asked")
    text = f"{who} has not asked for its script within {call.startup_s:g} s"
    return OpExecError(f"{text}: its image does not boot, or cannot reach ganeti-metad")


def helper_spec(
    found: OsDefinition, call: InstanceInstallCall, disks: tuple[GuestDisk, ...], run: str
) -> InstanceSpec:
    """The helper that runs a definition's script.

    Args:
        found: the definition.
        call: what is wanted.
        disks: of the instance.
        run: names this run.
    """
    instance = call.instance
    private = {**instance.osparams_private, **call.secrets}
    told = msgspec.structs.replace(instance, osparams_private=private)
    nic = NicSpec(
        mac=_MAC, ip=HELPER_IP, mode="routed", name=nic_name(instance.name), uuid=_NIC_UUID
    )
    return msgspec.structs.replace(
        as_helper(told, _OVERRIDES, (nic,)),
        script=ScriptSpec(
            run=run,
            environment=_environment(found, told, disks, call),
            secret=tuple(call.secrets),
        ),
    )


def _environment(
    found: OsDefinition,
    instance: InstanceSpec,
    disks: tuple[GuestDisk, ...],
    call: InstanceInstallCall,
) -> dict[str, str]:
    """What the script is told: as on a node, but with the disks where the helper has them."""
    seen = tuple(_seen(disk, number) for number, disk in enumerate(own_disks(disks)))
    everything = for_instance(found, instance, seen, debug=call.debug)
    if call.reinstall:
        everything["INSTANCE_REINSTALL"] = "1"
    return {
        name: value
        for name, value in everything.items()
        if name != "PATH" and not name.startswith("INSTANCE_HV_")
    }


def _seen(disk: GuestDisk, number: int) -> GuestDisk:
    # To the helper it is a block device, whatever it lies on.
    spec = msgspec.structs.replace(disk.spec, dev_type="plain")
    return replace(disk, spec=spec, link=device_in_helper(number), uri="")


def device_in_helper(number: int) -> str:
    """Where a helper has disk ``number`` of the instance; ``/dev/vda`` is the image."""
    letters, number = "", number + 2
    while number:
        number, digit = divmod(number - 1, 26)
        letters = string.ascii_lowercase[digit] + letters
    return os.path.join("/dev", f"vd{letters}")
