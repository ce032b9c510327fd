"""Runtime files: Ganeti's shape, there and back."""

import json
from dataclasses import replace

import msgspec
import pytest

from pyganeti.model.errors import HypervisorError
from pyganeti.node.hypervisor.kvm import runtime
from pyganeti.node.hypervisor.kvm.command import Machine
from pyganeti.node.hypervisor.kvm.layout import KvmLayout
from pyganeti.wire.noderpc.specs import (
    DrbdEnd,
    DrbdSpec,
)

from .instances import disk, instance, nic

PATHS = KvmLayout("/run/kvm").guest("web1")
MACHINE = Machine("/usr/bin/kvm", "pc-i440fx-7.2", "tcg")


def planned() -> runtime.Runtime:
    return runtime.plan(instance(nics=(nic(0),), use_guest_agent=True), (disk(0),), PATHS, MACHINE)


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


# A guest that comes from another node.

THERE = KvmLayout("/srv/node2/run/kvm").guest("web1")


def test_what_was_started_elsewhere_is_started_alike_in_this_nodes_places() -> None:
    here = replace(disk(0), link="/srv/node2/run/web1:0")
    started = runtime.decode(runtime.encode(planned()))
    found = runtime.received(started, instance(nics=(nic(0),)), (here,), THERE, "/usr/bin/qemu")
    assert found.command[0] == "/usr/bin/qemu"
    assert runtime.value_of(found, "-pidfile") == THERE.pid
    text = " ".join(found.command)
    for socket in THERE.sockets:
        assert socket in text
    assert " /run/kvm" not in text
    assert found.disks == ((here, planned().disks[0][1]),)
    assert found.hvparams == planned().hvparams
    # The file does not know the NIC's network, the instance does.
    assert found.nics[0][0] == nic(0)


def test_nodes_with_the_same_places_get_the_same_command() -> None:
    found = runtime.received(planned(), instance(nics=(nic(0),)), (disk(0),), PATHS, "/usr/bin/kvm")
    assert found == planned()


def test_a_disk_that_the_instance_has_not_is_refused() -> None:
    with pytest.raises(HypervisorError, match="web1 runs with disks that it has not: disk/0"):
        runtime.received(planned(), instance(), (), PATHS, "/usr/bin/kvm")


def test_an_incoming_guest_is_not_stopped() -> None:
    argv = runtime.full_command(runtime.plan(instance(), (), PATHS, MACHINE), (), vhost=False)
    assert "-S" in argv
    assert "-incoming" not in argv
    waits = runtime.full_command(
        runtime.plan(instance(), (), PATHS, MACHINE), (), vhost=False, incoming=True
    )
    assert "-S" not in waits
    assert waits[waits.index("-incoming") + 1] == "defer"


@pytest.mark.parametrize(
    ("command", "machine", "accelerator"),
    [
        (("qemu", "-machine", "q35,acpi=on", "-accel", "kvm"), "q35", "kvm"),
        (("kvm", "-M", "pc-i440fx-2.1", "-enable-kvm"), "pc-i440fx-2.1", "kvm"),
        (("kvm", "-machine", "pc,accel=kvm"), "pc", "kvm"),
        (("qemu", "-machine", "pc", "-accel", "tcg"), "pc", "tcg"),
    ],
)
def test_machine_and_accelerator_are_read_from_the_command_line(
    command: tuple[str, ...], machine: str, accelerator: str
) -> None:
    started = replace(planned(), command=command)
    assert runtime.machine_of(started) == machine
    assert runtime.accelerator_of(started) == accelerator
