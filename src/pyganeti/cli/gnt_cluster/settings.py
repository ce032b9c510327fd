"""Options that ``gnt-cluster init`` and ``gnt-cluster modify`` share, read into parameters. Pure.

Source: gnt-cluster(8) INIT, MODIFY.
"""

from typing import TYPE_CHECKING, Any

from pyganeti.cli.gnt_instance.add import backend_parameters
from pyganeti.cli.parse import IdentKeyVal, parse_list
from pyganeti.model.errors import OpPrereqError

if TYPE_CHECKING:
    from optparse import Values


def by_name(groups: list[IdentKeyVal], flag: str) -> dict[str, dict[str, Any]]:
    """``[("kvm", {...}), ...]`` as a dictionary; groups of one name are put together.

    Raises:
        OpPrereqError: a name without parameters.
    """
    found: dict[str, dict[str, Any]] = {}
    for name, values in groups:
        if not isinstance(values, dict):
            raise OpPrereqError(f"{flag}: {name!r} needs parameters, it cannot be removed")
        found.setdefault(name, {}).update(values)
    return found


def disk_state(groups: list[IdentKeyVal]) -> dict[str, dict[str, dict[str, Any]]]:
    """``storage type/name:key=value`` as nested dictionaries.

    Raises:
        OpPrereqError: no storage type.
    """
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for ident, values in by_name(groups, "--disk-state").items():
        storage, slash, name = ident.partition("/")
        if not slash:
            raise OpPrereqError(f"--disk-state: {ident!r} is not of the form type/name")
        found.setdefault(storage, {})[name] = values
    return found


def shared_parameters(opts: "Values") -> dict[str, Any]:
    """Parameters that both commands take, by the names of ``OP_CLUSTER_SET_PARAMS``.

    What was not given is null.
    """
    return {
        "beparams": backend_parameters(opts.beparams) or None,
        "candidate_pool_size": opts.candidate_pool_size,
        "compression_tools": _names(opts.compression_tools),
        "default_iallocator": opts.default_iallocator,
        "default_iallocator_params": opts.default_iallocator_params,
        "disk_state": disk_state(opts.disk_state) or None,
        "diskparams": by_name(opts.diskparams, "-D") or None,
        "drbd_helper": opts.drbd_helper,
        "enabled_disk_templates": _names(opts.enabled_disk_templates),
        "enabled_hypervisors": _names(opts.enabled_hypervisors),
        "enabled_user_shutdown": opts.enabled_user_shutdown,
        "file_storage_dir": opts.file_storage_dir,
        "hv_state": by_name(opts.hv_state, "--hypervisor-state") or None,
        "hvparams": by_name(opts.hvparams, "-H") or None,
        "install_image": opts.install_image,
        "mac_prefix": opts.mac_prefix,
        "maintain_node_health": opts.maintain_node_health,
        "master_netdev": opts.master_netdev,
        "master_netmask": netmask(opts.master_netmask),
        "ndparams": opts.ndparams,
        "nicparams": opts.nicparams or None,
        "prealloc_wipe_disks": opts.prealloc_wipe_disks,
        "shared_file_storage_dir": opts.shared_file_storage_dir,
        "use_external_mip_script": opts.use_external_mip_script,
        "vg_name": opts.vg_name,
        "zeroing_image": opts.zeroing_image,
    }


def _names(text: str | None) -> list[str] | None:
    return None if text is None else parse_list(text)


def netmask(text: str | None) -> int | None:
    """The length of a prefix.

    Raises:
        OpPrereqError: not a number.
    """
    if text is None:
        return None
    if not text.isdecimal():
        raise OpPrereqError(f"--master-netmask: {text!r} is not a prefix length such as 24")
    return int(text)
