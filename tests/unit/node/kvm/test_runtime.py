"""Runtime files: Ganeti's shape, there and back."""

import json
from dataclasses import replace

import msgspec
import pytest

from pyganeti.model.errors import HypervisorError
from pyganeti.node.hypervisor.kvm import runtime
from pyganeti.node.hypervisor.kvm.command import Machine
from pyganeti.node.hypervisor.kvm.layout import KvmLayout
from pyganeti.wire.noderpc.types import DrbdEnd, DrbdSpec

from .instances import disk, instance, nic

PATHS = KvmLayout("/run/kvm").guest("web1")
MACHINE = Machine("/usr/bin/kvm", "pc-i440fx-7.2", "tcg")


def planned() -> runtime.Runtime:
    return runtime.plan(instance(nics=(nic(0),)), (disk(0),), PATHS, MACHINE)


def test_the_file_has_ganetis_four_parts() -> None:
    command, nics, hvparams, disks = json.loads(runtime.encode(planned()))
    assert command[0] == "/usr/bin/kvm"
    assert nics[0]["nicparams"] == {"mode": "bridged", "link": "br0", "vlan": ""}
    assert nics[0]["hvinfo"]["driver"] == "virtio-net-pci"
    assert nics[0]["pci"] == 13
    assert hvparams["acpi"] is True
    description, link, uri = disks[0]
    assert description["dev_type"] == "file"
    assert description["logical_id"] == ["loop", "/srv/d0"]
    assert link == "/run/web1:0"
    assert uri is None


def test_it_survives_the_way_there_and_back() -> None:
    assert runtime.decode(runtime.encode(planned())) == planned()


def test_the_secret_of_a_drbd_disk_stays_out() -> None:
    end = DrbdEnd(node="node1-uuid", ip="192.0.2.1", minor=0)
    drbd = DrbdSpec(local=end, remote=end, port=11000, secret="hush")
    plain = disk(0)
    mirrored = replace(plain, spec=msgspec.structs.replace(plain.spec, drbd=drbd))
    data = runtime.encode(runtime.plan(instance(), (mirrored,), PATHS, MACHINE))
    assert b"hush" not in data
    assert runtime.decode(data).disks[0][0].spec.drbd is None


def test_a_file_with_keys_we_do_not_know_is_read() -> None:
    data = json.loads(runtime.encode(planned()))
    data[1][0]["serial_no"] = 3
    data[3][0][0]["dynamic_params"] = {}
    assert runtime.decode(json.dumps(data).encode()).nics[0][0].mac == "aa:00:00:00:00:00"


@pytest.mark.parametrize("text", [b"", b"[]", b"[1,2,3,4]", b"[[],[{}],{},[]]"])
def test_a_damaged_file_is_an_error_of_ours(text: bytes) -> None:
    with pytest.raises(HypervisorError, match="damaged"):
        runtime.decode(text)
