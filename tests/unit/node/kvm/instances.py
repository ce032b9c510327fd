"""Instances for the tests of this directory."""

import json
from pathlib import Path
from typing import Any

from pyganeti.node.hypervisor.base import GuestDisk
from pyganeti.wire.noderpc.specs import (
    DiskSpec,
    InstanceSpec,
    NicSpec,
)

SPEC = Path(__file__).parents[3] / "spec" / "hvparams.json"


def defaults() -> dict[str, Any]:  # Any: values of parameters
    """All parameters of kvm with their defaults."""
    return {entry["name"]: entry["default"] for entry in json.loads(SPEC.read_text())["kvm"]}


def instance(nics: tuple[NicSpec, ...] = (), **hvparams: Any) -> InstanceSpec:  # Any: as above
    """``web1`` with the default parameters but for ``hvparams``; no kernel, so QEMU's firmware."""
    return InstanceSpec(
        name="web1",
        uuid="11111111-2222-3333-4444-555555555555",
        primary_node="node1-uuid",
        primary_node_name="node1",
        hypervisor="kvm",
        hvparams={**defaults(), "kernel_path": "", **hvparams},
        beparams={"maxmem": 64, "minmem": 64, "vcpus": 1},
        nics=nics,
        network_port=11000,
    )


def disk(index: int = 0, dev_type: str = "file", link: str = "", mode: str = "rw") -> GuestDisk:
    """Disk ``index``, linked at ``link``."""
    spec = DiskSpec(
        dev_type=dev_type,
        logical_id=("loop", f"/srv/d{index}"),
        size=16,
        mode=mode,
        iv_name=f"disk/{index}",
        uuid=f"{index}aaaaaaa-2222-3333-4444-555555555555",
    )
    return GuestDisk(spec, link or f"/run/web1:{index}")


def nic(index: int = 0) -> NicSpec:
    """A bridged NIC."""
    return NicSpec(mac=f"aa:00:00:00:00:0{index}", mode="bridged", link="br0", uuid=f"nic{index}")
