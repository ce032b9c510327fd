"""Devices that a change of others leaves alone."""

import msgspec

from pyganeti.node.hypervisor.kvm.hotplug import as_on_record
from pyganeti.node.hypervisor.kvm.runtime import Runtime

from .instances import disk, instance, nic


def test_the_guest_keeps_what_it_has_of_them() -> None:
    had, new = nic(0), nic(1)
    changed = msgspec.structs.replace(had, mac="aa:00:00:00:00:99")
    runtime = Runtime((), ((had, {}),), {}, ((disk(0), {}),))
    wanted = instance((changed, new))
    disks = (disk(0), disk(1))
    everything = frozenset({had.uuid, new.uuid, disk(0).spec.uuid, disk(1).spec.uuid})
    kept, own = as_on_record(runtime, wanted, disks, everything)
    assert (kept.nics, own) == ((had,), (disk(0),))
    kept, own = as_on_record(runtime, wanted, disks, frozenset({new.uuid}))
    assert (kept.nics, own) == ((changed,), disks)


def test_a_network_that_the_runtime_file_leaves_out_is_no_change() -> None:
    had = nic(0)
    full = msgspec.structs.replace(had, name="front")
    runtime = Runtime((), ((had, {}),), {}, ())
    kept, _own = as_on_record(runtime, instance((full,)), (), frozenset({had.uuid}))
    assert kept.nics == (full,)
