"""A guest moves between nodes while a process in it counts, and nothing of that is lost.

The process writes lines to the disk: a number, and a sum over all numbers so far. One that is
missing, doubled or from another time breaks the chain.
"""

import os
import signal
from collections.abc import Callable, Iterator

import pytest

from tests.e2e.test_guests_outlive import ASK, BOOT_ID
from tests.e2e.vcluster import BOOT_S, Cluster, virtual_cluster, wait_for

WEB = "web1.example.com"
# Memory of a booted guest takes some seconds at this rate, in which things can be broken; what the
# guest writes meanwhile must come through in the end.
SLOW = "kvm:migration_bandwidth=6,migration_downtime=600"
FAST = "kvm:migration_bandwidth=512,migration_downtime=300"
COUNT = (
    b"\ncat > /count <<'E'\n"
    b"i=0; c=0\n"
    b"while :; do i=$((i+1)); c=$(((c*31+i)%65521)); echo $i $c >> /log; usleep 20000; done\n"
    b"E\n"
    b"cat > /check <<'E'\n"
    b"i=0; c=0; bad=0\n"
    b"while read a b; do i=$((i+1)); c=$(((c*31+i)%65521));"
    b' [ "$a $b" = "$i $c" ] || bad=$((bad+1)); done < /log\n'
    b"echo che''cked=$i bad=$bad\n"
    b"E\n"
    b"sh /count & echo count''ing\n"
)
CHECK = b"\nsh /check\n"
CHECKED = r"checked=(\d+) bad=(\d+)\s"


class Guest:
    """The guest, on whichever node it is."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self.node = "node1"
        # What is typed before its shell reads is lost.
        cluster.console(self.node, WEB, r"is up", ask=b"\nmicro\n")
        cluster.console(self.node, WEB, r"counting", ask=COUNT)
        self._boot_id, self._counted = self._boot(), 0

    def _boot(self) -> str:
        return self._cluster.console(self.node, WEB, BOOT_ID, ask=ASK).group(1)

    def check_lives_on(self, node: str) -> None:
        """The same boot on ``node`` and nowhere else, which has counted on without a gap."""
        self.node = node
        assert self._cluster.listed("instance", "name,pnode,status") == [[WEB, node, "running"]]
        assert [owner(line) for line in self._cluster.guests()] == [node]
        assert self._boot() == self._boot_id
        said = self._cluster.console(node, WEB, CHECKED, ask=CHECK)
        counted, bad = int(said.group(1)), int(said.group(2))
        assert bad == 0
        assert counted > self._counted
        self._counted = counted


def owner(command_line: str) -> str:
    """Whose QEMU this is: its files lie below the node's directory."""
    (pid_file,) = (word for word in command_line.split() if "/kvm-hypervisor/pid/" in word)
    return pid_file.split("/var/run/")[0].rpartition("/")[2]


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """Two nodes that see the same files."""
    with virtual_cluster(size=2) as made:
        made.init_sharing()
        yield made


@pytest.fixture
def guest(cluster: Cluster) -> Guest:
    """A guest that counts, on the first node."""
    words = ("-t", "sharedfile", "--disk", "0:size=1g", "-o", "micro+default", "-n", "node1")
    more = ("-B", "memory=128m", "--no-nics", "--ignore-ipolicy")
    cluster.gnt("instance", "add", *words, *more, WEB)
    return Guest(cluster)


def speed(cluster: Cluster, parameters: str) -> None:
    cluster.gnt("cluster", "modify", "-H", parameters)


def begin(cluster: Cluster, target: str) -> str:
    """Begin a migration; its job, once the guest is on its way."""
    words = ("migrate", "-f", "--submit", "-n", target, WEB)
    job = cluster.gnt("instance", *words).stderr.split()[-1]
    wait_for(lambda: len(cluster.guests()) == 2, BOOT_S, "the target to wait for the guest")
    wait_for(lambda: progress(cluster, job), BOOT_S, "the guest to be on its way")
    return job


def progress(cluster: Cluster, job: str) -> bool:
    done = cluster.gnt("job", "list", "--no-headers", "-o", "progress", job, code=None)
    return done.stdout.strip() not in ("", "-")


def status(cluster: Cluster, job: str) -> str:
    """How the job ends."""
    done = cluster.gnt("job", "watch", job, code=None)
    listed = cluster.gnt("job", "list", "--no-headers", "-o", "status", job).stdout.strip()
    print(done.stdout, done.stderr)
    return listed


def kill_qemu(cluster: Cluster, node: str) -> None:
    (pid,) = (
        pid for pid, line in cluster.processes().items() if "qemu" in line and owner(line) == node
    )
    os.kill(pid, signal.SIGKILL)


def test_a_guest_is_migrated_there_and_back(cluster: Cluster, guest: Guest) -> None:
    speed(cluster, FAST)
    for target in ("node2", "node1"):
        cluster.gnt("instance", "migrate", "-f", "-n", target, WEB)
        guest.check_lives_on(target)
    cluster.gnt("instance", "migrate", "-f", "--non-live", "-n", "node2", WEB)
    guest.check_lives_on("node2")
    cluster.gnt("cluster", "verify")
    cluster.gnt("instance", "failover", "-f", "-n", "node1", WEB)
    assert cluster.listed("instance", "name,pnode,status") == [[WEB, "node1", "running"]]
    cluster.console("node1", WEB, r"is up", ask=b"\nmicro\n")
    cluster.gnt("instance", "shutdown", f"--timeout={BOOT_S}", WEB)
    assert cluster.guests() == []
    assert cluster.runtime_files() == []


def test_daemons_that_die_on_the_way_are_not_missed(cluster: Cluster, guest: Guest) -> None:
    speed(cluster, SLOW)
    job = begin(cluster, "node2")
    cluster.kill9("ganeti-masterd")
    cluster.start_daemons()
    assert status(cluster, job) == "success"
    guest.check_lives_on("node2")

    job = begin(cluster, "node1")
    cluster.kill9("ganeti-noded", "node2")
    cluster.start_daemons()
    assert status(cluster, job) == "success"
    guest.check_lives_on("node1")
    cluster.gnt("cluster", "verify")


def test_what_fails_on_the_way_leaves_the_guest_where_it_was(
    cluster: Cluster, guest: Guest
) -> None:
    speed(cluster, SLOW)
    breaks: dict[str, Callable[[str], object]] = {
        "error": lambda _job: kill_qemu(cluster, "node2"),
        "canceled": lambda job: cluster.gnt("job", "cancel", "--kill", "--yes-do-it", job),
    }
    for wanted, break_it in breaks.items():
        job = begin(cluster, "node2")
        break_it(job)
        assert status(cluster, job) == wanted
        guest.check_lives_on("node1")
        cluster.gnt("cluster", "verify")
    speed(cluster, FAST)
    cluster.gnt("instance", "migrate", "-f", "-n", "node2", WEB)
    guest.check_lives_on("node2")


def test_all_that_dies_at_once_is_cleaned_up(cluster: Cluster, guest: Guest) -> None:
    """Both daemons and the source's QEMU: the guest is lost, and nothing else is in doubt."""
    speed(cluster, SLOW)
    job = begin(cluster, "node2")
    kill_qemu(cluster, "node1")
    cluster.kill9("ganeti-masterd")
    cluster.kill9("ganeti-noded", "node1")
    cluster.start_daemons()
    assert status(cluster, job) == "error"
    wait_for(lambda: not cluster.guests(), BOOT_S, "the half guest to end")
    cluster.gnt("instance", "startup", WEB)
    assert cluster.listed("instance", "name,pnode,status") == [[WEB, "node1", "running"]]
    cluster.gnt("cluster", "verify")
