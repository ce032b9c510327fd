"""Answers to calls about guests."""

from contextlib import suppress

from pyganeti.model.errors import HypervisorError
from pyganeti.node import images
from pyganeti.node.dispatcher import Handler, handles, handles_with_run
from pyganeti.node.hypervisor.base import Hypervisors, all_info
from pyganeti.node.installing import Installing
from pyganeti.node.os.scripts import OsScripts
from pyganeti.node.tasks import CallRun
from pyganeti.node.zeroing import Zeroing
from pyganeti.wire.noderpc import instance as calls
from pyganeti.wire.noderpc.guests import (
    ConsoleInfo,
    GuestInfo,
)

from .blockdev import BlockdevHandlers


class InstanceHandlers:
    """Guests of a node."""

    def __init__(
        self,
        hypervisors: Hypervisors,
        disks: BlockdevHandlers,
        oses: OsScripts,
        zeroing: Zeroing,
        installing: Installing,
    ) -> None:
        self._hypervisors = hypervisors
        self._zeroing = zeroing
        self._installing = installing
        self._disks = disks
        self._oses = oses

    def all(self) -> tuple[Handler, ...]:
        """One handler a procedure."""
        return (
            handles(calls.AllInstancesInfoCall, self._all_info),
            handles(calls.HypervisorValidateParamsCall, self._validate),
            handles(calls.HotplugDeviceCall, self._change_devices),
            handles(calls.InstanceBalloonMemoryCall, self._balloon),
            handles(calls.InstanceConsoleInfoCall, self._consoles),
            handles(calls.ImageCheckCall, self._check_image),
            handles(calls.InstanceInfoCall, self._info),
            handles_with_run(calls.InstanceInstallCall, self._install),
            handles(calls.InstanceListCall, self._list),
            handles_with_run(calls.InstanceOsAddCall, self._os_add),
            handles(calls.InstanceRebootCall, self._reboot),
            handles_with_run(calls.InstanceRunRenameCall, self._run_rename),
            handles(calls.InstanceShutdownCall, self._shutdown),
            handles(calls.InstanceStartCall, self._start),
            handles_with_run(calls.InstanceZeroCall, self._zero),
        )

    async def _all_info(self, call: calls.AllInstancesInfoCall) -> dict[str, GuestInfo]:
        found: dict[str, GuestInfo] = {}
        for name in call.hypervisors:
            guests = await all_info(self._hypervisors.driver(name))
            found |= {guest.name: guest for guest in guests}
        return found

    async def _list(self, call: calls.InstanceListCall) -> tuple[str, ...]:
        found: list[str] = []
        for name in call.hypervisors:
            found += await self._hypervisors.driver(name).names()
        return tuple(found)

    async def _info(self, call: calls.InstanceInfoCall) -> GuestInfo | None:
        return await self._hypervisors.driver(call.hypervisor).info(call.name)

    async def _start(self, call: calls.InstanceStartCall) -> None:
        disks = await self._disks.attach(call.instance)
        driver = self._hypervisors.driver(call.instance.hypervisor)
        await driver.start(call.instance, disks, paused=call.startup_paused)

    async def _zero(self, call: calls.InstanceZeroCall, _run: CallRun) -> None:
        disks = await self._disks.attach(call.instance)
        driver = self._hypervisors.driver(call.instance.hypervisor)
        await self._zeroing.run(driver, call.instance, disks, call.image, call.zeroing_s)

    async def _install(self, call: calls.InstanceInstallCall, run: CallRun) -> bool:
        disks = await self._disks.attach(call.instance)
        driver = self._hypervisors.driver(call.instance.hypervisor)
        return await self._installing.run(driver, call, disks, str(run.ctx.task_id))

    async def _check_image(self, call: calls.ImageCheckCall) -> None:
        await images.check(call.image, "install image")

    async def _shutdown(self, call: calls.InstanceShutdownCall) -> None:
        driver = self._hypervisors.driver(call.instance.hypervisor)
        await driver.stop(call.instance, call.timeout)

    async def _reboot(self, call: calls.InstanceRebootCall) -> None:
        instance = call.instance
        driver = self._hypervisors.driver(instance.hypervisor)
        if call.reboot_type == "soft":
            await driver.reboot(instance)
        elif call.reboot_type == "hard":
            await driver.stop(instance, call.shutdown_timeout)
            await driver.start(instance, await self._disks.attach(instance), paused=False)
        else:
            text = f"reboot type {call.reboot_type!r}, expected 'soft' or 'hard'"
            raise HypervisorError(f"{instance.name}: {text}")

    async def _change_devices(self, call: calls.HotplugDeviceCall) -> tuple[str, ...]:
        driver = self._hypervisors.driver(call.instance.hypervisor)
        if await driver.info(call.instance.name) is None:
            return ()  # its disks need not be active
        disks = await self._disks.attach(call.instance)
        return await driver.change_devices(call.instance, disks, frozenset(call.kept))

    async def _balloon(self, call: calls.InstanceBalloonMemoryCall) -> None:
        driver = self._hypervisors.driver(call.instance.hypervisor)
        await driver.balloon(call.instance, call.memory)

    async def _consoles(self, call: calls.InstanceConsoleInfoCall) -> dict[str, ConsoleInfo]:
        found = {}
        for instance in call.instances:
            # One that ended meanwhile must not hide the others.
            with suppress(HypervisorError):
                driver = self._hypervisors.driver(instance.hypervisor)
                found[instance.name] = await driver.console(instance)
        return found

    async def _validate(self, call: calls.HypervisorValidateParamsCall) -> None:
        await self._hypervisors.driver(call.hypervisor).check_params(call.hvparams)

    async def _os_add(self, call: calls.InstanceOsAddCall, run: CallRun) -> None:
        disks = await self._disks.devices(call.instance)
        await self._oses.create(
            call.instance, disks, run.runner, reinstall=call.reinstall, debug=call.debug
        )

    async def _run_rename(self, call: calls.InstanceRunRenameCall, run: CallRun) -> None:
        disks = await self._disks.devices(call.instance)
        await self._oses.rename(call.instance, disks, run.runner, call.old_name, debug=call.debug)
