"""Which storage units there are for the operations on them: types, and what a node is asked. Pure.

Source: gnt-node(8) LIST-STORAGE; the storage types of Ganeti.
"""

from typing import Final

from pyganeti.model.cluster import Cluster
from pyganeti.model.enums import StorageType
from pyganeti.model.errors import ECode, OpPrereqError
from pyganeti.model.templates import STORAGE_TYPE

REPORTED: Final = (
    StorageType.FILE,
    StorageType.GLUSTER,
    StorageType.LVM_PV,
    StorageType.LVM_VG,
    StorageType.SHAREDFILE,
)


def enabled_type(cluster: Cluster, wanted: StorageType | None) -> StorageType:
    """The storage type asked for, or that of the cluster's first disk template.

    Raises:
        OpPrereqError: ``INVAL``; nodes do not report it, or no enabled disk template uses it.
    """
    used = [STORAGE_TYPE[template] for template in cluster.enabled_disk_templates]
    chosen = used[0] if wanted is None else wanted
    if chosen not in REPORTED:
        known = ", ".join(REPORTED)
        text = f"nodes do not report storage of type {chosen}: give one of {known}"
        raise OpPrereqError(text, ECode.INVAL)
    # Physical volumes are below volume groups, which disks lie in.
    needed = StorageType.LVM_VG if chosen is StorageType.LVM_PV else chosen
    if needed not in used:
        text = f"no enabled disk template uses storage of type {chosen}"
        raise OpPrereqError(text, ECode.INVAL)
    return chosen


def directories(cluster: Cluster, storage_type: StorageType) -> tuple[str, ...]:
    """The cluster's directory of a type that is one."""
    found = {
        StorageType.FILE: cluster.file_storage_dir,
        StorageType.GLUSTER: cluster.gluster_storage_dir,
        StorageType.SHAREDFILE: cluster.shared_file_storage_dir,
    }
    directory = found.get(storage_type)
    return (directory,) if directory else ()
