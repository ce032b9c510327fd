"""An instance on DRBD moves between machines while its guest counts; a machine is lost."""

import json
import re
from typing import Final

from tests.lab.cluster import GUEST_S
from tests.lab.conftest import Nodes
from tests.lab.test_drbd_instance import SMALL, WEB1, DrbdCluster, whole
from tools.lab.nodes import Node

# Writes numbers with a sum over all of them; a line that is missing, doubled or from another time
# breaks the chain. What was lost with the power is missing at the end only.
COUNT: Final = (
    "cat > /count <<'E'\n"
    "i=0; c=0\n"
    "while :; do i=$((i+1)); c=$(((c*31+i)%65521)); echo $i $c >> /log;"
    " [ $((i%50)) = 0 ] && sync; usleep 20000; done\n"
    "E\n"
    "cat > /check <<'E'\n"
    "i=0; c=0; bad=0\n"
    "while read a b; do i=$((i+1)); c=$(((c*31+i)%65521));"
    ' [ "$a $b" = "$i $c" ] || bad=$((bad+1)); done < /log\n'
    "echo che''cked=$i bad=$bad boot=$(cat /proc/sys/kernel/random/boot_id)\n"
    "E\n"
    "sync; sh /count & echo count''ing\n"
)
# Runs on the node: asks the guest until it says what is wanted, and prints that.
_TALK: Final = b"""
import re, socket, sys, time
path, ask, wanted, limit = sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4])
end, said, asked = time.monotonic() + limit, "", 0.0
with socket.socket(socket.AF_UNIX) as sock:
    sock.connect(path)
    sock.settimeout(2)
    while not (found := re.search(wanted, said)):
        if time.monotonic() > end:
            sys.exit(f"it did not say {wanted!r} but {said[-2000:]!r}")
        if time.monotonic() - asked > 30:
            sock.sendall(ask.encode())
            asked = time.monotonic()
        try:
            said += sock.recv(4096).decode("utf-8", "replace")
        except TimeoutError:
            pass
print(found.group(0))
"""


def talk(node: Node, ask: str, wanted: str) -> str:
    """Ask the guest on its serial console until it says ``wanted``; what matches."""
    path = f"/var/run/ganeti/kvm-hypervisor/ctrl/{WEB1}.serial"
    words = " ".join(f"'{word}'" for word in (path, ask.replace("'", "'\\''"), wanted))
    limit = f"{GUEST_S:.0f}"
    return node.run(f"python3 - {words} {limit}", stdin=_TALK, timeout_s=2 * GUEST_S)


def checked(node: Node) -> tuple[int, int, str]:
    """How many lines the guest has written, how many are wrong, and its boot."""
    said = talk(node, "\nsh /check\n", r"checked=\d+ bad=\d+ boot=[0-9a-f-]{36}")
    found = re.search(r"checked=(\d+) bad=(\d+) boot=(\S+)", said)
    assert found is not None
    return int(found.group(1)), int(found.group(2)), found.group(3)


def mark_offline(cluster: DrbdCluster, node: Node) -> None:
    """Say that a machine is down: in the configuration's file, which the master is told to take."""
    master, path = cluster.master, "/var/lib/ganeti/config.data"
    master.run("daemon-util stop ganeti-masterd")
    config = json.loads(master.run(f"cat {path}"))
    for known in config["nodes"].values():
        if known["name"] == cluster.full_name(node):
            known.update(offline=True, master_candidate=False)
    master.put({path: json.dumps(config).encode()})
    master.run("ganeti-masterd --take-config-file", timeout_s=120)
    # Half of two nodes is no majority.
    master.run("ganeti-masterd --no-voting --yes-do-it", timeout_s=120)


def roles(cluster: DrbdCluster) -> list[str]:
    return [str(cluster.state(node)["role"]) for node in cluster.nodes]


def test_a_guest_moves_with_its_mirror_and_survives_its_machine(nodes: Nodes) -> None:
    one, two = nodes(2)
    cluster = DrbdCluster([one, two])
    cluster.begin()
    pair = ":".join(cluster.full_name(node) for node in (one, two))
    cluster.gnt("instance", "add", "-t", "drbd", "--disk", "0:size=64m", *SMALL,
                "-o", "micro+default", "-n", pair, WEB1)  # fmt: skip
    # What is typed before its shell reads is lost.
    talk(one, "\nmicro\n", f"{WEB1} is up")
    talk(one, "\n" + COUNT, "counting")
    count, bad, boot = checked(one)
    assert bad == 0

    for target, wanted in ((two, ["Secondary", "Primary"]), (one, ["Primary", "Secondary"])):
        cluster.gnt("instance", "migrate", "-f", WEB1)
        assert roles(cluster) == wanted
        assert whole(cluster.state(target))
        before = count
        count, bad, now = checked(target)
        assert (bad, now) == (0, boot)
        assert count > before
        cluster.gnt("cluster", "verify")

    cluster.gnt("instance", "failover", "-f", "--shutdown-timeout=60", WEB1)
    assert roles(cluster) == ["Secondary", "Primary"]
    talk(two, "\nmicro\n", f"{WEB1} is up")
    before = count
    count, bad, _boot = checked(two)
    assert bad == 0
    assert count >= before

    talk(two, "\nrm /log; sh /count & echo count''ing\n", "counting")
    assert checked(two)[0] > 0
    two.cut_power()
    mark_offline(cluster, two)
    cluster.gnt("instance", "failover", "-f", WEB1)
    assert cluster.listed("instance", "name,pnode,status") == [
        [WEB1, cluster.full_name(one), "running"]
    ]
    talk(one, "\nmicro\n", f"{WEB1} is up")
    count, bad, _boot = checked(one)
    assert bad == 0
    assert count > 0
