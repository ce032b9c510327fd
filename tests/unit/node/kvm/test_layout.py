"""Places of guests' files, and names that have no room in a socket's path."""

import os
from dataclasses import replace

import pytest

from pyganeti.kit.paths import MAX_SOCKET_PATH
from pyganeti.model.errors import HypervisorError
from pyganeti.node.hypervisor.kvm import runtime
from pyganeti.node.hypervisor.kvm.layout import KvmLayout

from .instances import instance
from .test_runtime import planned

REAL = KvmLayout("/var/run/ganeti/kvm-hypervisor")
LONG = ".".join(["x" * 60] * 3)


def test_names_that_have_room_have_ganetis_places() -> None:
    name = "x" * 63
    paths = REAL.guest(name)
    assert paths.monitor == f"/var/run/ganeti/kvm-hypervisor/ctrl/{name}.monitor"
    assert len(os.fsencode(paths.monitor)) == MAX_SOCKET_PATH
    paths.check_sockets()


def test_longer_ones_have_sockets_that_can_be_reached() -> None:
    paths = REAL.guest(LONG)
    assert max(len(os.fsencode(path)) for path in (*paths.sockets, paths.tpm)) <= MAX_SOCKET_PATH
    assert len(set(paths.sockets)) == len(paths.sockets)
    paths.check_sockets()
    assert paths == REAL.guest(LONG)


def test_no_two_guests_share_them() -> None:
    assert not set(REAL.guest(LONG).files) & set(REAL.guest(f"{LONG}y").files)
    assert os.path.basename(REAL.guest(LONG).control).startswith("=")


def test_files_that_are_found_by_name_keep_it() -> None:
    paths = REAL.guest(LONG)
    assert paths.pid.endswith(f"/pid/{LONG}")
    assert paths.runtime.endswith(f"/conf/{LONG}.runtime")


def test_only_a_start_is_refused_in_too_long_a_directory() -> None:
    paths = KvmLayout("/" + "x" * 90).guest("web1.example.com")
    with pytest.raises(HypervisorError, match="107 bytes"):
        paths.check_sockets()


def test_a_guest_comes_from_a_directory_that_has_room_for_its_name() -> None:
    here = KvmLayout("/srv/" + "x" * 60 + "/kvm").guest("web1.example.com" + "y" * 20)
    there = KvmLayout("/run/kvm").guest("web1.example.com" + "y" * 20)
    assert here.control.rpartition("/")[2] != there.control.rpartition("/")[2]
    sent = planned()
    words = tuple(word.replace("/web1", f"/web1.example.com{'y' * 20}") for word in sent.command)
    sent = replace(sent, command=words, disks=(), nics=())
    found = runtime.received(sent, instance(), (), here, "/usr/bin/qemu")
    text = " ".join(found.command)
    for socket in (here.monitor, here.qmp):
        assert f"path={socket}," in text
    assert runtime.value_of(found, "-pidfile") == here.pid
