"""Instances made from exports: what is asked for and what the export says, as one request.

    opcode + config.ini -> opcode, ImportSource -> an instance as any other -> dumps, a task each

Source: gnt-backup(8) IMPORT; docs/design/0010-backup.md.
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from pyganeti.master.backup.exports import find_export
from pyganeti.master.disks.states import beside, with_states
from pyganeti.master.jobs.run import Run, undo
from pyganeti.master.nodes import NodeReader
from pyganeti.model.enums import AdminState, AdminStateSource, DiskTemplate, Hypervisor
from pyganeti.model.errors import ECode, GenericError, OpPrereqError, ParseError
from pyganeti.model.exported import ExportedInstance, parse
from pyganeti.model.instance import Instance
from pyganeti.model.params.be import check_beparams
from pyganeti.model.params.hv import check_instance_hvparams
from pyganeti.model.params.nic import fill_nicparams
from pyganeti.model.state_disks import is_state
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.instance import OpInstanceCreate
from pyganeti.wire.noderpc.backup import (
    Dump,
    ExportContent,
    ExportInfoCall,
    ExportOfferCall,
    ImportStartCall,
)
from pyganeti.wire.noderpc.instance import InstanceRunRenameCall
from pyganeti.wire.noderpc.specs import InstanceSpec
from pyganeti.wire.noderpc.transfer import RemoteFile, TransferEndCall

_MEMORY = frozenset({"memory", "maxmem", "minmem"})


class ImportedDisk(msgspec.Struct, frozen=True):
    """A dump, and the index of the disk that it is for."""

    index: int
    file: str
    dump: Dump


class ImportSource(msgspec.Struct, frozen=True):
    """What disks are filled from.

    Attributes:
        node: UUID of the node that has the export.
        path: of the export there.
        name: the instance's when it was exported.
        disks: those that are not filled yet.
        transfer: under which they are read; empty before it was opened.
    """

    node: str
    path: str
    name: str
    compress: str
    disks: tuple[ImportedDisk, ...]
    transfer: str = ""


def source_name(op: OpInstanceCreate) -> str:
    """Name of the export, as far as the opcode says it: what is to be locked."""
    return (op.src_path or op.instance_name).rstrip("/").rpartition("/")[2]


async def read_export(
    op: OpInstanceCreate, view: ClusterView, nodes: NodeReader
) -> tuple[OpInstanceCreate, ImportSource]:
    """The opcode with what the export says of all that was not given, and where its disks are.

    Raises:
        OpPrereqError: there is no such export, it is damaged, or disks are missing or too small.
    """
    path = op.src_path or op.instance_name
    node = await _source_node(op, path, view, nodes)
    try:
        content = await nodes.call(node, ExportInfoCall(path=path))
        export = parse(content.config)
    except ParseError as err:
        text = f"export {path} on node {nodes.name(node)}: config.ini: {err}"
        raise OpPrereqError(text, ECode.ENVIRON) from err
    except GenericError as err:
        raise OpPrereqError(f"on node {nodes.name(node)}: {err}", ECode.ENVIRON) from err
    filled = _filled(op, export, view)
    if op.identify_defaults:
        filled = _without_defaults(filled, view)
    filled = with_states(filled, view)
    disks = _dumps(filled, export, content)
    return filled, ImportSource(node, path, export.name, op.compress, disks)


async def _source_node(
    op: OpInstanceCreate, path: str, view: ClusterView, nodes: NodeReader
) -> str:
    if op.src_node is not None:
        return view.node(op.src_node).uuid
    if "/" in path:
        text = f"{path} is no name of an export: say with --src-node on which node it is"
        raise OpPrereqError(text, ECode.INVAL)
    found = await find_export(path, view, nodes)
    if not found.nodes:
        raise OpPrereqError(f"no node has an export {path}", ECode.INVAL)
    return found.nodes[0]


def _filled(op: OpInstanceCreate, export: ExportedInstance, view: ClusterView) -> OpInstanceCreate:
    """``op`` with what ``export`` says of all that was not given."""
    if not (op.disk_template or export.disk_template):
        text = f"export {export.name} does not say of which kind its disks are: give a template"
        raise OpPrereqError(text, ECode.INVAL)
    try:
        template = op.disk_template or DiskTemplate(export.disk_template)
        # One that comes from elsewhere need not say for which it is.
        hypervisor = op.hypervisor or (
            Hypervisor(export.hypervisor)
            if export.hypervisor
            else view.cluster.enabled_hypervisors[0]
        )
    except ValueError as err:
        raise OpPrereqError(f"export {export.name}: {err}", ECode.INVAL) from err
    # Those of another hypervisor mean nothing to this one.
    hvparams = export.hvparams if hypervisor == export.hypervisor else {}
    # Whoever gives one of the sizes of memory does not want the other from elsewhere.
    given = _MEMORY if _MEMORY & op.beparams.keys() else frozenset()
    beparams = {name: value for name, value in export.beparams.items() if name not in given}
    return msgspec.structs.replace(
        op,
        disk_template=template,
        hypervisor=hypervisor,
        os_type=op.os_type or export.os or None,
        no_install=op.no_install or not export.os,
        disks=() if template is DiskTemplate.DISKLESS else _disks(op, export),
        nics=() if op.nics is None else op.nics or tuple(_nic(nic) for nic in export.nics),
        tags=op.tags or export.tags,
        hvparams={**_set(hvparams), **op.hvparams},
        beparams={**_set(beparams), **op.beparams},
        osparams={**export.osparams, **op.osparams},
        osparams_private={**export.osparams_private, **(op.osparams_private or {})},
    )


def _disks(op: OpInstanceCreate, export: ExportedInstance) -> tuple[Mapping[str, Any], ...]:
    """The disks to be made: as given or as exported, and those that the guest never sees."""
    if not op.disks:
        return tuple(_without_none({"size": disk.size, "name": disk.name}) for disk in export.disks)
    given = {disk.get("name") for disk in op.disks}
    states = [
        (disk.name, disk.size)
        for disk in export.disks
        if disk.name is not None and is_state(disk.name) and disk.name not in given
    ]
    return beside(op.disks, states)


def _without_defaults(op: OpInstanceCreate, view: ClusterView) -> OpInstanceCreate:
    """``op`` without parameters that have the value the cluster gives anyway."""
    hypervisor = op.hypervisor or view.cluster.enabled_hypervisors[0]
    plain = Instance(
        uuid="", name="", primary_node="", os=op.os_type or "", hypervisor=hypervisor, hvparams={},
        beparams={}, osparams={}, osparams_private={}, admin_state=AdminState.DOWN,
        admin_state_source=AdminStateSource.ADMIN, nics=(), disks_active=False, tags=(),
    )  # fmt: skip
    hvparams = check_instance_hvparams(hypervisor, op.hvparams)
    beparams = check_beparams(op.beparams)
    return msgspec.structs.replace(
        op,
        hvparams=_differing(hvparams, view.filled_hvparams(plain)),
        beparams=_differing(beparams, msgspec.to_builtins(view.filled_beparams(plain))),
        osparams=_differing(op.osparams, view.filled_osparams(plain)),
        nics=tuple(_without_default_links(nic, view) for nic in op.nics or ()),
    )


def _differing(values: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if defaults.get(name) != value}


def _without_default_links(nic: Mapping[str, Any], view: ClusterView) -> dict[str, Any]:
    defaults = msgspec.to_builtins(fill_nicparams(view.cluster.nicparams.get("default", {}), {}))
    return {
        name: value
        for name, value in nic.items()
        if name not in ("mode", "link", "vlan") or defaults[name] != value
    }


def _nic(nic: Mapping[str, str | None]) -> dict[str, Any]:  # Any: as the opcode has it
    """A NIC as it was; a network says how it is connected."""
    implied = ("mode", "link", "vlan") if nic.get("network") else ()
    return {name: value for name, value in _without_none(nic).items() if name not in implied}


def _without_none(values: Mapping[str, Any]) -> dict[str, Any]:  # Any: as the opcode has it
    return {name: value for name, value in values.items() if value is not None}


def _set(values: Mapping[str, str]) -> dict[str, str]:
    """Parameters that have a value."""
    return {name: value for name, value in values.items() if value != "None"}


def _dumps(
    op: OpInstanceCreate, export: ExportedInstance, content: ExportContent
) -> tuple[ImportedDisk, ...]:
    """What is to be read, once the disks are there.

    Raises:
        OpPrereqError: there are fewer disks than dumps, one is smaller, or a dump is missing.
    """
    own = [index for index, disk in enumerate(op.disks) if not is_state(disk.get("name"))]
    states = {disk.get("name"): index for index, disk in enumerate(op.disks) if index not in own}
    exported = [disk for disk in export.disks if not is_state(disk.name)]
    if len(own) < len(exported):
        text = f"{len(exported)} disks were exported, and only {len(own)} are to be made"
        raise OpPrereqError(text, ECode.INVAL)
    places = iter(own)
    found = []
    for disk in export.disks:
        index = states[disk.name] if is_state(disk.name) else next(places)
        size = int(op.disks[index].get("size") or 0)
        if disk.dump is None:
            continue
        if size < disk.size:
            text = f"disk/{index} had {disk.size} MiB when it was exported, {size} MiB are too few"
            raise OpPrereqError(text, ECode.INVAL)
        if disk.dump not in content.sizes:
            text = f"the dump of disk/{index}, {disk.dump}, is missing in the export"
            raise OpPrereqError(text, ECode.ENVIRON)
        dump = Dump(size=content.sizes[disk.dump], sha256=content.sums.get(disk.dump, ""))
        found.append(ImportedDisk(index, disk.dump, dump))
    return tuple(found)


async def open_source(run: Run, source: ImportSource, reader: str) -> ImportSource:
    """Let the node with UUID ``reader`` read the dumps."""
    transfer = run.ids.uuid()
    files = tuple(disk.file for disk in source.disks)
    back = undo("backup.end_transfer", node=source.node, transfer=transfer)
    async with run.step("open export", back):
        call = ExportOfferCall(path=source.path, transfer=transfer, reader=reader, files=files)
        await run.nodes.call(source.node, call)
    return msgspec.structs.replace(source, transfer=transfer)


async def fill_disks(
    run: Run,
    spec: InstanceSpec,
    source: ImportSource,
    rest: Callable[[ImportSource], msgspec.Struct],
) -> None:
    """Run the import scripts, and let the OS adapt the disks.

    Args:
        run: of the opcode.
        spec: the instance, its disks active.
        source: what is left to be read.
        rest: what is to be done after a wait, given what is left then.
    """
    node = spec.primary_node
    while source.disks:
        disk, *left = source.disks
        source = msgspec.structs.replace(source, disks=tuple(left))
        remote = RemoteFile(
            node=run.nodes.address(source.node),
            transfer=source.transfer,
            name=disk.file,
            # Nothing travels within a node.
            compress="none" if source.node == spec.primary_node else source.compress,
        )
        run.log(f"* importing disk/{disk.index} from {run.nodes.name(source.node)}")
        if not disk.dump.sha256:
            run.log(f"the export has no checksum of disk/{disk.index}: damage is not noticed")
        call = ImportStartCall(instance=spec, index=disk.index, source=remote, dump=disk.dump)
        await run.await_tasks(f"import disk/{disk.index}", {node: call}, rest(source))
    async with run.step("close export"):
        await run.nodes.call(source.node, TransferEndCall(transfer=source.transfer))
    await rename_within(run, spec, source.name)


async def rename_within(run: Run, spec: InstanceSpec, old_name: str) -> None:
    """Let the OS adapt the disks to the name, which was ``old_name``; a failure is a warning."""
    run.log("* running the instance OS rename script...")
    call = InstanceRunRenameCall(instance=spec, old_name=old_name)
    ended = undo("node.end_tasks", nodes=[spec.primary_node])
    async with run.step("run rename script", ended):
        try:
            await run.nodes.call(spec.primary_node, call)
        except GenericError as err:
            # As in Ganeti: the disks are right, the guest may have to be told by hand.
            run.log(f"Warning: {spec.name} is imported, but not renamed within its guest: {err}")
