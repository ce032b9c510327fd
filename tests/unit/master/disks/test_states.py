"""Disks that requests need and do not name: where they are made."""

from typing import Any

import msgspec
import pytest

from pyganeti.master.disks.states import beside, with_state_changes, with_states
from pyganeti.model.disk import Disk
from pyganeti.model.enums import DiskTemplate, Hypervisor
from pyganeti.model.errors import OpPrereqError
from pyganeti.opcodes.instance import OpInstanceCreate, OpInstanceSetParams
from tests.sim.asserting import make_op
from tests.unit.model import make as m

VARS, TPM = "ganeti-uefi-vars", "ganeti-tpm-state"
KVM: dict[str, Any] = {"hypervisor": Hypervisor.KVM, "hvparams": {"boot_type": "uefi"}}


def creation(**parameters: Any) -> OpInstanceCreate:
    wanted = {
        "instance_name": "new",
        "mode": "create",
        "disk_template": "plain",
        "disks": [{"size": 1024}],
        "nics": [],
        **KVM,
        **parameters,
    }
    return make_op(OpInstanceCreate, **wanted)


def changed(*disks: Disk, **parameters: Any) -> OpInstanceSetParams:
    """The change of parameters of an instance with these disks, as it is carried out."""
    own = m.instance(1, hypervisor=Hypervisor.KVM, disks=tuple(disk.uuid for disk in disks))
    view = m.view(own, *disks)
    wanted = {"instance_name": own.name, "hvparams": {"tpm": "2.0"}, **parameters}
    return with_state_changes(make_op(OpInstanceSetParams, **wanted), own, view)


def test_new_ones_are_made_where_the_first_disk_is() -> None:
    first = {"size": 9, "mode": "ro", "name": "a", "vg": "fast", "metavg": "meta", "spindles": 3}
    (*_, made) = beside([first, {"size": 1, "vg": "slow"}], [(VARS, 4)])
    assert made == {"size": 4, "name": VARS, "vg": "fast", "metavg": "meta", "spindles": 1}
    first = {"size": 9, "provider": "san", "pool": "gold", "access": "userspace"}
    (*_, made) = beside([first], [(VARS, 4)])
    assert made == {"size": 4, "name": VARS, "provider": "san", "pool": "gold"}


def test_named_ones_go_to_the_end_and_are_not_doubled() -> None:
    named = {"size": 8, "name": VARS, "vg": "slow"}
    found = with_states(creation(disks=[named, {"size": 1024}]), m.view())
    assert list(found.disks) == [{"size": 1024}, named]


def test_the_parameters_of_cluster_and_os_count() -> None:
    both: dict[str, Any] = {
        "hvparams": {"kvm": {"tpm": "2.0"}},
        "os_hvp": {"deb": {"kvm": {"boot_type": "uefi"}}},
    }
    view = m.view(cluster=msgspec.structs.replace(m.CLUSTER, **both))
    plain = creation(hvparams={}, os_type="deb")
    assert [disk.get("name") for disk in with_states(plain, view).disks] == [None, VARS, TPM]
    other = creation(hvparams={"tpm": "none"}, os_type="bsd")
    assert with_states(other, view) == other
    chroot = creation(hypervisor="fake", hvparams={}, os_type="deb")
    assert with_states(chroot, view) == chroot


@pytest.mark.parametrize("template", ["blockdev", "plain"])
def test_what_is_adopted_must_be_named(template: str) -> None:
    op = creation(disk_template=template, disks=[{"adopt": "a"}])
    with pytest.raises(OpPrereqError, match=f"--disk 1:adopt=...,name={VARS}"):
        with_states(op, m.view())
    named = creation(disk_template=template, disks=[{"adopt": "a"}, {"adopt": "b", "name": VARS}])
    assert with_states(named, m.view()) == named


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"dev_type": DiskTemplate.FILE}, {}),
        ({"dev_type": DiskTemplate.PLAIN, "logical_id": ("fast", "a")}, {"vg": "fast"}),
        (
            {"dev_type": DiskTemplate.PLAIN, "logical_id": ("fast", "a"), "spindles": 3},
            {"vg": "fast", "spindles": 1},
        ),
        (
            {
                "dev_type": DiskTemplate.EXT,
                "logical_id": ("san", "a"),
                "params": {"pool": "gold", "access": "userspace"},
            },
            {"provider": "san", "pool": "gold"},
        ),
        (
            {
                "dev_type": DiskTemplate.DRBD,
                "children": tuple(
                    m.disk(9, dev_type=DiskTemplate.PLAIN, logical_id=(vg, "a"))
                    for vg in ("fast", "meta")
                ),
            },
            {"vg": "fast", "metavg": "meta"},
        ),
    ],
)
def test_disks_of_an_instance_say_where(fields: dict[str, Any], place: dict[str, Any]) -> None:
    op = changed(m.disk(1, **fields))
    assert list(op.disks) == [("add", -1, {**place, "size": 4, "name": TPM})]


@pytest.mark.parametrize("action", ["add", "attach"])
def test_one_that_is_there_or_comes_is_not_made(action: str) -> None:
    has = m.disk(1, name=TPM)
    assert list(changed(m.disk(2), has).disks) == []
    given = [(action, -1, {"name": TPM})]
    assert [list(mod) for mod in changed(m.disk(1), disks=given).disks] == [list(given[0])]


def test_other_changes_make_none() -> None:
    assert list(changed(m.disk(1), hvparams={}, beparams={"vcpus": 2}).disks) == []


def test_devices_of_others_cannot_be_added_to() -> None:
    with pytest.raises(OpPrereqError, match="disks of template blockdev cannot be added"):
        changed(m.disk(1, dev_type=DiskTemplate.BLOCKDEV))
