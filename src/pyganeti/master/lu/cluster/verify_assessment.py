"""Hypervisor parameters that are allowed and yet seldom what is wanted: warnings, no errors.

Left out with ``--no-hv-param-assessment``. Source: gnt-cluster(8) VERIFY of Ganeti 3.1; KVM's
documentation of caches and of emulated devices.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from pyganeti.master.lu.cluster.findings import Findings
from pyganeti.model.enums import DiskTemplate, Hypervisor
from pyganeti.model.params import hv
from pyganeti.model.templates import MIRRORED
from pyganeti.model.verify_codes import VerifyCode
from pyganeti.model.view import ClusterView

_SLOW_DISKS: Final = frozenset({"ide", "sd", "scsi", "mtd", "pflash"})
_CACHES: Final = frozenset({"writeback", "writethrough"})


def assess_hvparams(findings: Findings, view: ClusterView, group: str) -> None:
    """Look at the cluster's parameters, and at those that instances of ``group`` have changed."""
    kvm = Hypervisor.KVM
    if kvm not in view.cluster.enabled_hypervisors:
        return
    findings.section("Assessing hypervisor parameters")
    templates = set(view.cluster.enabled_disk_templates)
    common = hv.fill_hvparams(kvm, view.cluster.hvparams.get(kvm, {}), {}, {})
    for text in _doubts(common, movable=bool(MIRRORED & templates - {DiskTemplate.DISKLESS})):
        findings.warning(VerifyCode.ECLUSTERCFG, "", f"hypervisor kvm of the cluster: {text}")
    for instance in view.instances_of_group(group):
        if instance.hypervisor is not kvm or not instance.hvparams or instance.forthcoming:
            continue
        movable = view.disk_template(instance) in set(MIRRORED - {DiskTemplate.DISKLESS})
        filled = view.filled_hvparams(instance)
        known = set(_doubts(common, movable=movable))
        for text in _doubts(filled, movable=movable):
            if text not in known:
                what = f"hypervisor kvm of instance {instance.name}"
                findings.warning(VerifyCode.ECLUSTERCFG, "", f"{what}: {text}")


# Any: values of parameters.
def _doubts(params: Mapping[str, Any], *, movable: bool) -> Iterator[str]:
    """What is questionable, if guests with ``movable`` disks may be migrated."""
    if movable and params["disk_cache"] in _CACHES:
        text = f"disk_cache={params['disk_cache']} keeps data in the memory of a node"
        yield f"{text}, a live migration may leave it behind; none is safe"
    if params["disk_type"] in _SLOW_DISKS:
        yield f"disk_type={params['disk_type']} is emulated and slow, paravirtual is not"
    if params["nic_type"] != "paravirtual":
        yield f"nic_type={params['nic_type']} is emulated and slow, paravirtual is not"
