"""The lab itself: fresh nodes have what the other tests rely on."""

import pytest

from tests.lab.conftest import Nodes
from tools.lab.nodes import Bed, LabError

GUEST = (
    "qemu-system-x86_64 -M pc -accel kvm -cpu host -m 128 -nodefaults -vga none -display none"
    " -kernel /boot/guest/vmlinuz -initrd /boot/guest/initrd -no-reboot -serial stdio"
    " -append 'console=ttyS0 quiet mitigations=off panic=-1 root=/dev/none rdinit=/none'"
)


def test_nodes_are_fresh_each_time(lab: Bed) -> None:
    (node,) = lab.restore(1)
    node.run("touch /root/used; sync")
    node.cut_power()
    lab.nodes.clear()
    (again,) = lab.restore(1)
    assert again.run("ls /root") == ""


def test_volumes(lab: Bed) -> None:
    (node,) = lab.restore(1)
    node.run("pvcreate -y /dev/vdb && vgcreate xenvg /dev/vdb")
    node.run("lvcreate -Wn -y -n d0 -L 64M xenvg && lvchange --addtag a+b xenvg/d0")
    assert node.run("lvs --noheadings -o lv_tags xenvg/d0").strip() == "a+b"


def test_a_kernel_runs_in_nested_kvm(lab: Bed) -> None:
    (node,) = lab.restore(1)
    said = node.run(f"timeout 120 {GUEST}", check=False)
    assert "Kernel panic - not syncing: VFS: Unable to mount root" in said


def test_a_cut_cable_and_a_cut_plug(lab: Bed) -> None:
    one, two = lab.restore(2)
    ping = f"ping -c 1 -W 2 {two.secondary}"
    one.run(ping)
    two.cut_link("repl")
    with pytest.raises(LabError):
        one.run(ping)
    two.join_link("repl")
    one.run("echo kept > /root/kept; sync; echo lost > /root/lost")
    one.cut_power()
    one.power_on()
    one.run(ping)
    assert one.run("cat /root/kept") == "kept\n"


def test_our_programs_run_there(nodes: Nodes) -> None:
    (node,) = nodes(1)
    assert "3.1.0" in node.run("gnt-cluster --version")
