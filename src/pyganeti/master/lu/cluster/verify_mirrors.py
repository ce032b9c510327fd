"""The mirrors' part of a group check: are active ones whole, on both nodes?"""

from collections.abc import Mapping, Sequence

from pyganeti.master.disks.mirrors import are_split, split_text
from pyganeti.master.instances.specs import disk_spec
from pyganeti.master.jobs.run import Run
from pyganeti.master.lu.cluster.findings import Findings
from pyganeti.model.disk import Disk
from pyganeti.model.errors import GenericError
from pyganeti.model.instance import Instance
from pyganeti.model.templates import INTERNALLY_MIRRORED
from pyganeti.model.verify_codes import VerifyCode
from pyganeti.wire.noderpc.blockdev import BlockdevGetmirrorstatusCall
from pyganeti.wire.noderpc.disks import (
    LocalDisk,
    MirrorStatus,
)

# Ganeti's names of the states.
_NAMES = {
    LocalDisk.OKAY: "ok",
    LocalDisk.SYNC: "syncing",
    LocalDisk.UNKNOWN: "unknown",
    LocalDisk.FAULTY: "faulty",
}


async def ask_mirrors(
    findings: Findings, run: Run, disks: Mapping[str, Sequence[tuple[Instance, Disk]]]
) -> list[tuple[str, str]]:
    """Look at the active mirrors among ``disks``, which are given by the UUID of their node.

    Returns:
        names of instances with what is wrong with a mirror, a line each.
    """
    view = run.config.view
    asked = {
        uuid: [
            (instance, disk)
            for instance, disk in found
            if instance.disks_active and disk.dev_type in INTERNALLY_MIRRORED
        ]
        for uuid, found in disks.items()
    }
    calls = {
        uuid: BlockdevGetmirrorstatusCall(
            disks=tuple(disk_spec(disk, view, uuid) for _, disk in found)
        )
        for uuid, found in asked.items()
        if found
    }
    faults = []
    seen: dict[str, list[MirrorStatus | None]] = {}
    for uuid, answer in (await run.nodes.call_each(calls)).items():
        node = view.node(uuid).name
        statuses: Sequence[MirrorStatus | None]
        statuses = () if isinstance(answer, GenericError) else answer
        if isinstance(answer, GenericError):
            findings.error(VerifyCode.ENODERPC, node, f"while asking for mirrors: {answer}")
        for (instance, disk), status in zip(asked[uuid], statuses, strict=False):
            faults += [
                (instance.name, f"{disk.iv_name} on {node} {text}") for text in _faults(status)
            ]
            sides = seen.setdefault(disk.uuid, [])
            sides.append(status)
            if len(sides) == 2 and are_split(*sides):
                faults.append((instance.name, split_text(disk, instance, view)))
    return faults


def _faults(status: MirrorStatus | None) -> list[str]:
    """What is wrong with a mirror, in a line; empty when it is whole."""
    if status is None:
        return ["is not active"]
    parts = ["is degraded"] if status.degraded else []
    if status.standalone:
        parts.append("has no connection and looks for none")
    if status.local_disk is not LocalDisk.OKAY:
        parts.append(f"state is '{_NAMES[status.local_disk]}'")
    return ["; ".join(parts)] if parts else []
