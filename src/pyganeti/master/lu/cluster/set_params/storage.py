"""Where the cluster's disks lie: its volume group and the directories of disk templates."""

from collections.abc import Collection, Mapping
from typing import Final

from pyganeti.master.nodes import NodeReader
from pyganeti.model.cluster import Cluster
from pyganeti.model.enums import DiskTemplate
from pyganeti.model.errors import ECode, GenericError, OpPrereqError
from pyganeti.model.templates import LVM, MIN_VOLUME_GROUP_MIB
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.cluster import OpClusterSetParams
from pyganeti.wire.noderpc.blockdev import VgListCall

DIRECTORIES: Final[Mapping[str, DiskTemplate]] = {
    "file_storage_dir": DiskTemplate.FILE,
    "shared_file_storage_dir": DiskTemplate.SHAREDFILE,
    "gluster_storage_dir": DiskTemplate.GLUSTER,
}


def storage_fields(op: OpClusterSetParams, cluster: Cluster) -> dict[str, str | None]:
    """What will be another of where disks lie.

    Raises:
        OpPrereqError: ``ECode.INVAL``, a path is not absolute, or a template that is enabled has
            nowhere to put its disks.
    """
    enabled = op.enabled_disk_templates or cluster.enabled_disk_templates
    fields: dict[str, str | None] = {}
    for name, template in DIRECTORIES.items():
        path: str | None = getattr(op, name)
        if path is not None:
            _check_directory(name, path, template, enabled)
            fields[name] = path
    if op.vg_name is not None:
        fields["volume_group_name"] = op.vg_name or None
    group = fields.get("volume_group_name", cluster.volume_group_name)
    asked = op.vg_name is not None or op.enabled_disk_templates is not None
    needy = sorted(LVM & set(enabled)) if asked else ()
    if needy and group is None:
        text = f"disk template {needy[0]} is enabled and needs a volume group: name one with"
        raise OpPrereqError(f"{text} --vg-name", ECode.INVAL)
    return fields


def _check_directory(
    name: str, path: str, template: DiskTemplate, enabled: Collection[DiskTemplate]
) -> None:
    if path and not path.startswith("/"):
        raise OpPrereqError(f"{name} {path!r} is not an absolute path", ECode.INVAL)
    if not path and template in enabled:
        text = f"{name} cannot be unset while disk template {template} is enabled"
        raise OpPrereqError(text, ECode.INVAL)


async def check_volume_group(op: OpClusterSetParams, view: ClusterView, nodes: NodeReader) -> None:
    """Refuse a volume group that a node lacks, or one that goes while disks lie in it.

    Raises:
        OpPrereqError: names the node or the instance.
    """
    if op.vg_name is None:
        return
    if not op.vg_name:
        for instance in view.all_instances():
            if view.disk_template(instance) in LVM:
                text = f"instance {instance.name} has volumes: the volume group cannot be unset"
                raise OpPrereqError(text, ECode.INVAL)
        return
    asked = [node.uuid for node in view.online_nodes() if node.vm_capable]
    for uuid, found in (await nodes.call_all(asked, VgListCall())).items():
        where = f"on node {view.node(uuid).name}: volume group {op.vg_name}"
        if isinstance(found, GenericError):
            raise OpPrereqError(f"{where} cannot be looked for: {found}", ECode.ENVIRON)
        size = found.get(op.vg_name)
        if size is None:
            raise OpPrereqError(f"{where} missing", ECode.ENVIRON)
        if size < MIN_VOLUME_GROUP_MIB:
            text = f"{where} too small ({MIN_VOLUME_GROUP_MIB} MiB required, {size} MiB found)"
            raise OpPrereqError(text, ECode.ENVIRON)
