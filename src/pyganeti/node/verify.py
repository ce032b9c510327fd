"""The node's part of ``gnt-cluster verify``: reads only. Each check is a field of the call."""

import asyncio
import hashlib
import os
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any, Final

from pyganeti.kit.clock import Clock
from pyganeti.kit.files import read_bytes
from pyganeti.kit.paths import Paths
from pyganeti.kit.threads import in_thread
from pyganeti.kit.tls import certificate_digest, certificate_uuid
from pyganeti.model.errors import GenericError
from pyganeti.model.templates import MIN_VOLUME_GROUP_MIB
from pyganeti.wire.noderpc.disks import Volume
from pyganeti.wire.noderpc.node import NodeInfoCall, NodeVerifyCall
from pyganeti.wire.noderpc.types import (
    CertificateState,
    NodeInfo,
    NodeVerifyResult,
    OsInfo,
    VersionInfo,
)

from .authorized_keys import find_clutter
from .certificate_state import certificate_state
from .files import NodeFiles
from .hypervisor.base import Hypervisors
from .logins import LogIn, failed_logins
from .network.base import Network
from .storage.drbd.facts import DrbdFacts
from .storage.volumes import Volumes
from .storage.whitelist import Whitelist

_REACH_TIMEOUT_S: Final = 5.0

Oses = Callable[[], Awaitable[tuple[OsInfo, ...]]]
Info = Callable[[NodeInfoCall], Awaitable[NodeInfo]]
# What went wrong when connecting to an address and port, or ``None``.
Reach = Callable[[str, int], Coroutine[Any, Any, str | None]]  # Any: they yield to the loop


class NodeChecks:
    """Everything ``node_verify`` can look at."""

    def __init__(
        self,
        paths: Paths,
        *,
        hypervisors: Hypervisors,
        network: Network,
        volumes: Volumes,
        drbd: DrbdFacts,
        oses: Oses,
        info: Info,
        version: Callable[[], VersionInfo],
        clock: Clock,
        reach: Reach,
        log_in: LogIn,
    ) -> None:
        self._paths = paths
        self._reach = reach
        self._log_in = log_in
        self._hypervisors = hypervisors
        self._network = network
        self._volumes = volumes
        self._drbd = drbd
        self._oses = oses
        self._info = info
        self._version = version
        self._clock = clock
        self._files = NodeFiles(paths)
        self._whitelist = Whitelist(paths)

    async def verify(self, call: NodeVerifyCall) -> NodeVerifyResult:
        """Do the checks that ``call`` asks for."""
        whitelist = self._whitelist if call.check_storage_paths else None
        fault, volumes = await self._volume_group(call.vg_name)
        shared = call.vg_name if call.exclusive_pvs and not fault else None
        checksums, unreadable = await in_thread(self._checksums, call.files)
        info = NodeInfoCall(storage_units=call.storage_units, hypervisors=call.hypervisors)
        return NodeVerifyResult(
            time=self._clock.now(),
            version=self._version(),
            hypervisor_errors=await self._hypervisor_errors(call),
            hvparam_errors=await self._hvparam_errors(call),
            instances=await self._instances(call),
            ended=await self._ended(call),
            info=await self._info(info) if call.hypervisors or call.storage_units else None,
            checksums=checksums,
            unreadable=unreadable,
            missing_bridges=await self._network.missing_bridges(call.bridges),
            forbidden_file_storage_paths=whitelist.forbidden() if whitelist else (),
            allowed_file_storage_paths=whitelist.allowed() if whitelist else (),
            unusable_storage_dirs=await in_thread(self._unusable, call.storage_dirs),
            unreachable=await self._unreachable(call.reach),
            failed_logins=await failed_logins(self._log_in, call.logins),
            missing_scripts=tuple(
                script
                for script in call.user_scripts
                if not os.access(self._files.local(script), os.X_OK)
            ),
            oses=await self._oses() if call.oses else (),
            client_cert_digest=self._of_certificate(certificate_digest),
            client_cert_uuid=self._of_certificate(certificate_uuid),
            setup_errors=_setup_errors(self._paths) if call.node_setup else (),
            volume_group_error=fault,
            volumes=volumes,
            exclusive_faults=await self._exclusive_faults(shared),
            pv_sizes=await self._pv_sizes(shared),
            drbd=await self._drbd.info() if call.drbd else None,
            certificates=await in_thread(self._certificates) if call.certificates else (),
            clutter=await in_thread(find_clutter, self._paths, call.clutter),
        )

    async def _volume_group(self, name: str | None) -> tuple[str, tuple[Volume, ...]]:
        """What is wrong with a volume group, and its volumes."""
        if name is None:
            return "", ()
        try:
            size = (await self._volumes.group_sizes()).get(name)
            if size is None:
                return f"volume group {name} missing", ()
            volumes = tuple(await self._volumes.volumes(name))
        except GenericError as err:
            return str(err), ()
        if size < MIN_VOLUME_GROUP_MIB:
            required = f"({MIN_VOLUME_GROUP_MIB} MiB required, {size} MiB found)"
            return f"volume group {name} too small {required}", volumes
        return "", volumes

    async def _exclusive_faults(self, group: str | None) -> tuple[str, ...]:
        try:
            return () if group is None else tuple(await self._volumes.exclusive_faults(group))
        except GenericError as err:
            return (str(err),)

    async def _pv_sizes(self, group: str | None) -> tuple[int, int] | None:
        # Why they cannot be had is told of in exclusive_faults.
        with suppress(GenericError):
            return None if group is None else await self._volumes.volume_sizes(group)
        return None

    async def _hypervisor_errors(self, call: NodeVerifyCall) -> dict[str, str]:
        found: dict[str, str] = {}
        for name, hvparams in call.hypervisors.items():
            try:
                fault = await self._hypervisors.driver(name).find_fault(hvparams)
            except GenericError as err:
                fault = str(err)
            if fault is not None:
                found[name] = fault
        return found

    async def _hvparam_errors(self, call: NodeVerifyCall) -> tuple[tuple[str, str, str], ...]:
        found: list[tuple[str, str, str]] = []
        for source, name, hvparams in call.hvparams:
            try:
                await self._hypervisors.driver(name).check_params(hvparams)
            except GenericError as err:
                found.append((source, name, str(err)))
        return tuple(found)

    async def _instances(self, call: NodeVerifyCall) -> dict[str, tuple[str, ...]]:
        found: dict[str, tuple[str, ...]] = {}
        for name in call.hypervisors:
            # One that cannot be asked is told of in hypervisor_errors.
            with suppress(GenericError):
                found[name] = await self._hypervisors.driver(name).names()
        return found

    async def _ended(self, call: NodeVerifyCall) -> tuple[str, ...]:
        found: list[str] = []
        for name in call.hypervisors:
            with suppress(GenericError):
                found += await self._hypervisors.driver(name).ended()
        return tuple(found)

    def _checksums(self, files: tuple[str, ...]) -> tuple[dict[str, str], dict[str, str]]:
        """Of files that are there, and why others cannot be read, each by path."""
        found: dict[str, str] = {}
        unreadable: dict[str, str] = {}
        for path in files:
            try:
                data = read_bytes(self._files.local(path))
            except OSError as err:
                unreadable[path] = err.strerror or str(err)
            else:
                found |= {} if data is None else {path: _sha1(data)}
        return found, unreadable

    def _certificates(self) -> tuple[CertificateState, ...]:
        every = self._paths.certificates
        return tuple(certificate_state(path) for path in every if os.path.lexists(path))

    def _unusable(self, directories: tuple[str, ...]) -> dict[str, str]:
        faults = {path: self._storage_fault(path) for path in directories}
        return {path: fault for path, fault in faults.items() if fault is not None}

    def _storage_fault(self, path: str) -> str | None:
        try:
            local = self._whitelist.check(f"{path}/x")
        except GenericError as err:
            return str(err)
        directory = os.path.dirname(local)
        if not os.path.isdir(directory):
            return f"{directory} is not a directory"
        return None if os.access(directory, os.W_OK) else f"{directory} is not writable"

    async def _unreachable(self, reach: dict[str, tuple[str, int]]) -> dict[str, str]:
        async with asyncio.TaskGroup() as group:
            tests = {
                name: group.create_task(self._reach(ip, port)) for name, (ip, port) in reach.items()
            }
        answers = {name: test.result() for name, test in tests.items()}
        return {name: fault for name, fault in answers.items() if fault is not None}

    def _of_certificate(self, what: Callable[[bytes], str]) -> str:
        try:
            return what(read_bytes(self._paths.client_pem) or b"")
        except ValueError:
            return ""


def _sha1(data: bytes) -> str:
    # Compares copies of files with each other, as Ganeti does; nobody is kept out by it.
    return hashlib.sha1(data, usedforsecurity=False).hexdigest()


async def reach_address(ip: str, port: int) -> str | None:
    """What went wrong when connecting, or ``None``."""
    try:
        async with asyncio.timeout(_REACH_TIMEOUT_S):
            _reader, writer = await asyncio.open_connection(ip, port)
    except OSError as err:
        return f"{ip} port {port}: {err.strerror or err or 'no answer'}"
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return None


def _setup_errors(paths: Paths) -> tuple[str, ...]:
    wanted = (paths.data_dir, paths.run_dir, paths.log_dir)
    return tuple(f"{path} is not a directory" for path in wanted if not os.path.isdir(path))
