"""Settings of cluster and groups of former versions as they are now. Pure.

As :mod:`.objects`: each function leaves alone what is so already.
"""

from collections.abc import Iterator
from typing import Any, Final, cast

from pyganeti.model.cluster import DEFAULT_COLLECTORS
from pyganeti.model.enums import DiskTemplate
from pyganeti.model.params import disk as diskparams
from pyganeti.model.params import hv, ipolicy, nd, nic
from pyganeti.model.params.kinds import ParamSet

from .objects import Config

# Any: nested mappings.
_LIMITS: Final[Any] = cast(Any, ipolicy.DEFAULTS["minmax"])[0]
# What clusters have got, and what it is where nobody has set it. Before 2.16 ssh's keys were DSA's.
_CLUSTER: Final[Config] = {
    "blacklisted_os": [],
    "candidate_certs": {},
    "compression_tools": ["gzip", "gzip-fast", "gzip-slow"],
    "default_iallocator": "",
    "default_iallocator_params": {},
    "disk_state_static": {},
    "diskparams": {},
    "enabled_user_shutdown": False,
    "gluster_storage_dir": "",
    "hidden_os": [],
    "hv_state_static": {},
    "hvparams": {},
    "install_image": "",
    "instance_communication_network": "",
    "max_running_jobs": 20,
    "max_tracked_jobs": 25,
    "ndparams": {},
    "os_hvp": {},
    "osparams": {},
    "osparams_private_cluster": {},
    "prealloc_wipe_disks": False,
    "reserved_lvs": [],
    "shared_file_storage_dir": "",
    "ssh_key_bits": 1024,
    "ssh_key_type": "dsa",
    "tags": [],
    "uid_pool": [],
    "use_external_mip_script": False,
    "zeroing_image": "",
}


def complete_cluster(config: Config) -> None:
    """Settings that clusters have got since then."""
    cluster = config["cluster"]
    for name, value in _CLUSTER.items():
        # A copy: the same tool may see several configurations.
        cluster.setdefault(name, type(value)(value))
    collectors = cluster.setdefault("data_collectors", {})
    for name, default in DEFAULT_COLLECTORS.items():
        collectors.setdefault(name, {"active": default.active, "interval": default.interval})
    for collector in collectors.values():
        # Ganeti 3.0 writes a fraction.
        collector["interval"] = int(collector["interval"])


def complete_parameters(config: Config) -> None:
    """Parameters that have been added, at the level that has all of them."""
    cluster = config["cluster"]
    for hypervisor, defaults in hv.DEFAULTS.items():
        found = cluster["hvparams"].setdefault(hypervisor.value, {})
        cluster["hvparams"][hypervisor.value] = {**defaults, **found}
    for template, values in diskparams.DEFAULTS.items():
        found = cluster["diskparams"].setdefault(template.value, {})
        cluster["diskparams"][template.value] = {**values, **found}
    cluster["ndparams"] = {**nd.DEFAULTS, **cluster["ndparams"]}
    links = cluster.setdefault("nicparams", {}).setdefault("default", {})
    cluster["nicparams"]["default"] = {**nic.DEFAULTS, **links}
    for group in config["nodegroups"].values():
        for name in ("ndparams", "diskparams", "ipolicy", "networks"):
            group.setdefault(name, {})
        for connection in group["networks"].values():
            connection.setdefault("vlan", "")


def enable_disk_templates(config: Config) -> None:
    """Before 2.9 nobody said which may be used: those that are, and those of LVM where it is."""
    cluster = config["cluster"]
    if cluster.get("enabled_disk_templates"):
        return
    found = {disk["dev_type"] for disk in config["disks"].values()}
    if not all(instance["disks"] for instance in config["instances"].values()):
        found.add(DiskTemplate.DISKLESS.value)
    if cluster.get("volume_group_name"):
        found.add(DiskTemplate.PLAIN.value)
        if cluster.get("drbd_usermode_helper"):
            found.add(DiskTemplate.DRBD.value)
    cluster["enabled_disk_templates"] = sorted(found or {DiskTemplate.DISKLESS.value})


def pair_limits(config: Config) -> None:
    """Before 2.8 policies had one lower and one upper limit; groups had parts of them."""
    policy = config["cluster"].setdefault("ipolicy", {})
    _pair(policy, _LIMITS)
    for name, value in ipolicy.DEFAULTS.items():
        policy.setdefault(name, value)
    for group in config["nodegroups"].values():
        own = group["ipolicy"]
        # Groups cannot have one.
        own.pop("std", None)
        if not (own.get("min") or own.get("max")):
            own.pop("min", None)
            own.pop("max", None)
        _pair(own, policy["minmax"][0])
    allowed = config["cluster"]["enabled_disk_templates"]
    for own in (policy, *(group["ipolicy"] for group in config["nodegroups"].values())):
        if "disk-templates" in own:
            left = [template for template in own["disk-templates"] if template in allowed]
            own["disk-templates"] = left or list(allowed)


def _pair(policy: Config, above: Any) -> None:
    if "min" in policy or "max" in policy:
        limits = {end: {**above[end], **policy.pop(end, {})} for end in ("min", "max")}
        policy.setdefault("minmax", [limits])
    if isinstance(policy.get("minmax"), dict):
        policy["minmax"] = [policy["minmax"]]


def replace_values(config: Config) -> None:
    """Values and parameters that 3.1 does not know any more."""
    for hypervisor, values in every_hvparams(config):
        if hypervisor.startswith("xen-"):
            values.pop("xen_cmd", None)
        if hypervisor == "kvm" and values.get("disk_discard") == "default":
            values["disk_discard"] = "ignore"


def every_hvparams(config: Config) -> Iterator[tuple[str, Config]]:
    """Parameters of a hypervisor at each level, to be changed."""
    cluster = config["cluster"]
    yield from cluster["hvparams"].items()
    for by_hypervisor in cluster["os_hvp"].values():
        yield from by_hypervisor.items()
    for instance in config["instances"].values():
        if "hypervisor" in instance:
            yield instance["hypervisor"], instance.setdefault("hvparams", {})


def own_parameters(hypervisor: str) -> frozenset[str]:
    """Parameters that only this implementation has."""
    sets: dict[str, ParamSet] = {kind.value: params for kind, params in hv.SETS.items()}
    params = sets[hypervisor].params.values() if hypervisor in sets else ()
    return frozenset(param.name for param in params if param.ours)
