"""Answers to calls about the node itself."""

import os
from collections.abc import Awaitable, Callable, Collection

from pyganeti.kit.clock import Clock
from pyganeti.kit.files import read_bytes
from pyganeti.kit.paths import Paths
from pyganeti.kit.threads import in_thread
from pyganeti.model.errors import GenericError, NetworkError
from pyganeti.model.versions import PROTOCOL_VERSION, RELEASE_VERSION, VCS_VERSION
from pyganeti.node.dispatcher import Handler, handles, handles_with_run
from pyganeti.node.groups import boot_id
from pyganeti.node.hooks import HookRunner
from pyganeti.node.hosts import edit_hosts, find_host
from pyganeti.node.hypervisor.base import Hypervisors
from pyganeti.node.leave import leave_cluster
from pyganeti.node.logins import LogIn
from pyganeti.node.master import MasterRole
from pyganeti.node.network.base import Network
from pyganeti.node.storage.base import Storage
from pyganeti.node.storage.drbd.facts import DrbdFacts
from pyganeti.node.storage.volumes import Volumes
from pyganeti.node.tasks import CallRun
from pyganeti.node.verify import NodeChecks, Oses, Reach, reach_address
from pyganeti.wire.noderpc import node as calls
from pyganeti.wire.noderpc.disks import (
    StorageInfo,
    StorageUnit,
)
from pyganeti.wire.noderpc.guests import HypervisorInfo
from pyganeti.wire.noderpc.types import (
    HookResult,
    MasterVote,
    NodeInfo,
    NodeVerifyResult,
    VersionInfo,
)


class NodeHandlers:
    """The node as a whole.

    Args:
        epoch: the highest durable epoch.
        seen: the highest epoch that was asked for; a newer master needs a higher one.
        end_unkept: ends all tasks of epochs below one but those named.
        stop_daemon: ends this daemon soon, after the answer was sent.
        reach: tries whether other nodes can be connected to.
    """

    def __init__(
        self,
        paths: Paths,
        *,
        hypervisors: Hypervisors,
        storage: Storage,
        volumes: Volumes,
        drbd: DrbdFacts,
        network: Network,
        oses: Oses,
        clock: Clock,
        epoch: Callable[[], int],
        seen: Callable[[], int],
        end_unkept: Callable[[int, Collection[str]], Awaitable[None]],
        stop_daemon: Callable[[], None],
        log_in: LogIn,
        reach: Reach = reach_address,
    ) -> None:
        self._paths = paths
        self._hypervisors = hypervisors
        self._storage = storage
        self._network = network
        self._clock = clock
        self._epoch = epoch
        self._seen = seen
        self._end_unkept = end_unkept
        self._stop_daemon = stop_daemon
        self._hooks = HookRunner(paths.hooks_dir, os.geteuid())
        self._master = MasterRole(paths, network, self._hooks)
        self._checks = NodeChecks(
            paths,
            hypervisors=hypervisors,
            volumes=volumes,
            drbd=drbd,
            network=network,
            oses=oses,
            info=self._info,
            version=self._version_info,
            clock=clock,
            reach=reach,
            log_in=log_in,
        )

    def all(self) -> tuple[Handler, ...]:
        """One handler a procedure."""
        return (
            handles(calls.BridgesExistCall, self._bridges),
            handles_with_run(calls.EpochTakeCall, self._take_epoch),
            handles(calls.EtcHostsLookupCall, self._find_host),
            handles(calls.EtcHostsModifyCall, self._etc_hosts),
            handles_with_run(calls.HooksRunnerCall, self._run_hooks),
            handles(calls.MasterNodeNameCall, self._vote),
            handles_with_run(calls.NodeActivateMasterIpCall, self._activate_ip),
            handles(calls.NodeConfigureOvsCall, self._make_switch),
            handles_with_run(calls.NodeDeactivateMasterIpCall, self._deactivate_ip),
            handles(calls.NodeHasIpAddressCall, self._has_ip),
            handles(calls.NodeInfoCall, self._info),
            handles(calls.NodeLeaveClusterCall, self._leave),
            handles_with_run(calls.NodeStartMasterDaemonsCall, self._start_master),
            handles_with_run(calls.NodeStopMasterCall, self._stop_master),
            handles(calls.NodeVerifyCall, self._verify),
            handles(calls.TestDelayCall, self._delay),
            handles(calls.VersionCall, self._version),
        )

    def _version_info(self) -> VersionInfo:
        return VersionInfo(
            protocol=PROTOCOL_VERSION,
            release=RELEASE_VERSION,
            vcs=VCS_VERSION,
            epoch=self._epoch(),
        )

    async def _version(self, _call: calls.VersionCall) -> VersionInfo:
        return self._version_info()

    async def _vote(self, _call: calls.MasterNodeNameCall) -> MasterVote:
        name = (read_bytes(self._paths.ssconf("master_node")) or b"").decode("utf-8", "replace")
        return MasterVote(master=name.strip(), epoch=self._seen())

    async def _take_epoch(self, call: calls.EpochTakeCall, run: CallRun) -> int:
        # The dispatcher made it durable before it called us.
        if call.keep is not None:
            await self._end_unkept(run.ctx.epoch, call.keep)
        return run.ctx.epoch

    async def _info(self, call: calls.NodeInfoCall) -> NodeInfo:
        hypervisors: dict[str, HypervisorInfo] = {}
        errors: dict[str, str] = {}
        for name in call.hypervisors:
            try:
                hypervisors[name] = await self._hypervisors.driver(name).node_info()
            except GenericError as err:
                errors[name] = str(err)
        space = tuple([await self._space(unit) for unit in call.storage_units])
        return NodeInfo(boot_id=boot_id(), storage=space, hypervisors=hypervisors, errors=errors)

    async def _space(self, unit: StorageUnit) -> StorageInfo:
        try:
            return await self._storage.space(unit)
        except GenericError:
            # "Cannot tell" is an answer; what is wrong is the business of verify.
            return StorageInfo(type=unit.type, name=unit.name)

    async def _verify(self, call: calls.NodeVerifyCall) -> NodeVerifyResult:
        return await self._checks.verify(call)

    async def _bridges(self, call: calls.BridgesExistCall) -> None:
        missing = await self._network.missing_bridges(call.bridges)
        if missing:
            raise NetworkError(f"missing bridges {', '.join(missing)}")

    async def _make_switch(self, call: calls.NodeConfigureOvsCall) -> None:
        await self._network.make_switch(call.ovs_name, call.ovs_link)

    async def _has_ip(self, call: calls.NodeHasIpAddressCall) -> bool:
        return call.address in await self._network.addresses()

    async def _find_host(self, call: calls.EtcHostsLookupCall) -> str | None:
        return find_host(self._paths.etc_hosts, call.name)

    async def _etc_hosts(self, call: calls.EtcHostsModifyCall) -> None:
        if call.mode not in ("add", "remove") or (call.mode == "add") != (call.ip is not None):
            text = f"hosts file: mode {call.mode!r} with address {call.ip!r}"
            raise GenericError(f"{text}, expected 'add' with one or 'remove' without")
        await in_thread(edit_hosts, self._paths.etc_hosts, call.name, call.ip)

    async def _run_hooks(self, call: calls.HooksRunnerCall, run: CallRun) -> tuple[HookResult, ...]:
        return await self._hooks.run(call.hpath, call.phase, call.env, run.runner)

    async def _activate_ip(self, call: calls.NodeActivateMasterIpCall, run: CallRun) -> None:
        await self._master.set_address(
            call.master, run.runner, active=True, external=call.use_external_script
        )

    async def _deactivate_ip(self, call: calls.NodeDeactivateMasterIpCall, run: CallRun) -> None:
        await self._master.set_address(
            call.master, run.runner, active=False, external=call.use_external_script
        )

    async def _start_master(self, call: calls.NodeStartMasterDaemonsCall, run: CallRun) -> None:
        await self._master.start_daemons(run.runner, no_voting=call.no_voting)

    async def _stop_master(self, _call: calls.NodeStopMasterCall, run: CallRun) -> None:
        await self._master.stop_daemons(run.runner)

    async def _leave(self, call: calls.NodeLeaveClusterCall) -> None:
        await in_thread(leave_cluster, self._paths, ssh=call.modify_ssh_setup)
        self._stop_daemon()

    async def _delay(self, call: calls.TestDelayCall) -> None:
        await self._clock.sleep(call.duration)
