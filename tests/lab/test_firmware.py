"""A guest with UEFI and a TPM on DRBD: it remembers on whichever machine it is."""

from typing import Final

from tests.lab.drbd_cluster import WEB1, DrbdCluster
from tests.lab.firmware_shell import VALUE, WORD
from tools.lab.nodes import Bed, Node
from tools.lab.project import TESTS

REMEMBERED: Final = f"{VALUE} {WORD!r}"
SERIAL: Final = f"/var/run/ganeti/kvm-hypervisor/ctrl/{WEB1}.serial"
SHELL_S: Final = 1200.0
# Nested in an emulation, the firmware ends the QEMU around it with a failed assertion.
UEFI: Final = "kvm:boot_type=uefi,tpm=2.0,kvm_flag=disabled"


def shell(node: Node, *words: str) -> str:
    """What the shell of the guest's firmware says, on the node that has the guest."""
    asked = " ".join((SERIAL, *words))
    command = f"cd {TESTS} && python3 -m tests.lab.firmware_shell {asked}"
    return node.run(command, timeout_s=SHELL_S).strip()


def test_what_a_guest_remembers_goes_with_it(lab: Bed) -> None:
    cluster = DrbdCluster.formed(lab, 2)
    one, two = cluster.nodes
    # Whatever was on the volume group before: volumes begin with it.
    one.run("lvcreate -y -Wn -n trash -l 100%FREE xenvg")
    one.run("yes trash | head -c 300M > /dev/xenvg/trash && lvremove -y xenvg/trash")
    pair = ":".join(cluster.full_name(node) for node in (one, two))
    # Nothing on the disk of "micro" can be booted by firmware, whose shell comes up.
    words = ("-t", "drbd", "--disk", "0:size=64m", "-B", "memory=256m", "--ignore-ipolicy")
    cluster.gnt("instance", "add", *words, "-o", "micro+default", "-H", UEFI, "-n", pair, WEB1)
    assert shell(one, "boot", "check") == "None None"
    assert shell(one, "begin") == REMEMBERED
    for target, source in ((two, one), (one, two)):
        cluster.gnt("instance", "migrate", "-f", WEB1)
        assert shell(target, "check") == REMEMBERED
        assert source.run("pgrep -x swtpm || true") == ""
        cluster.gnt("cluster", "verify")
    cluster.gnt("instance", "failover", "-f", "--shutdown-timeout=0", WEB1)
    assert shell(two, "boot", "check") == REMEMBERED
    cluster.gnt("instance", "remove", "-f", "--shutdown-timeout=0", WEB1)
    for node in (one, two):
        assert node.run("lvs --noheadings xenvg") == ""
        assert node.run("drbdsetup show") == ""
        assert node.run("pgrep -x swtpm || true") == ""
