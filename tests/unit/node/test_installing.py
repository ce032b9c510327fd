"""Where a helper has disks, and what the script in it is told."""

from typing import Any

import pytest

from pyganeti.node.helper_guests import as_helper
from pyganeti.node.hypervisor.base import GuestDisk
from pyganeti.node.installing import device_in_helper, helper_spec
from pyganeti.node.os.definition import OsDefinition
from pyganeti.wire.noderpc.instance import InstanceInstallCall
from pyganeti.wire.noderpc.specs import DiskSpec, InstanceSpec, NicSpec

FOUND = OsDefinition("guarded", "/srv/guarded", (20,), {"create_untrusted": "/srv/guarded/x"})
WEB1 = InstanceSpec(
    name="web1",
    uuid="u-1",
    primary_node="n",
    hypervisor="kvm",
    os="guarded",
    hvparams={"kernel_path": "/boot/k", "disk_type": "ide", "reboot_behavior": "reboot"},
    osparams={"size": "big"},
    osparams_private={"key": "of web1"},
    nics=(NicSpec(mac="aa:00:00:00:00:01", ip="192.0.2.7"),),
)
DISKS = tuple(
    GuestDisk(DiskSpec(dev_type="file", logical_id=("loop", "/d"), size=4, name=name), "/links/0")
    for name in ("data", "ganeti-tpm-state", None)
)


def helper(**fields: Any) -> InstanceSpec:  # Any: fields of the call
    call = InstanceInstallCall(instance=WEB1, image="/i", startup_s=1, shutdown_s=1, **fields)
    return helper_spec(FOUND, call, DISKS, "run-1")


@pytest.mark.parametrize(
    ("number", "device"),
    [(0, "/dev/vdb"), (24, "/dev/vdz"), (25, "/dev/vdaa"), (26, "/dev/vdab")],
)
def test_devices(number: int, device: str) -> None:
    assert device_in_helper(number) == device


def test_the_script_is_told_of_the_instance_and_of_the_helpers_disks() -> None:
    script = helper(secrets={"password": "sesame"}, reinstall=True).script
    assert script is not None
    env = script.environment
    wanted = {
        "INSTANCE_NAME": "web1", "OS_NAME": "guarded", "OSP_SIZE": "big", "OSP_KEY": "of web1",
        "OSP_PASSWORD": "sesame", "INSTANCE_REINSTALL": "1", "DISK_COUNT": "2",
        "DISK_0_PATH": "/dev/vdb", "DISK_1_PATH": "/dev/vdc", "DISK_0_BACKEND_TYPE": "block",
        "NIC_0_IP": "192.0.2.7", "DISK_0_FRONTEND_TYPE": "ide",
    }  # fmt: skip
    assert {name: env.get(name) for name in wanted} == wanted
    assert "PATH" not in env
    assert not [name for name in env if name.startswith("INSTANCE_HV_")]
    assert script.secret == ("password",)


def test_the_helper_is_another_machine() -> None:
    made = helper()
    assert made.hvparams == {
        "kernel_path": "", "disk_type": "paravirtual", "reboot_behavior": "exit",
    }  # fmt: skip
    (nic,) = made.nics
    assert (nic.ip, nic.name) == ("169.254.169.253", "ganeti:communication:web1")
    assert as_helper(WEB1).nics == ()
