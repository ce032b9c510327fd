"""What happens inside a guest: its user shuts it down, it gives up memory; with a real kernel."""

import os
import signal
from collections.abc import Iterator
from functools import partial

import pytest

from tests.e2e.vcluster import MASTER, Cluster, micro, virtual_cluster, wait_for

WEB = "web1.example.com"


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with virtual_cluster(size=1) as made:
        made.init()
        yield made


def status(cluster: Cluster) -> str:
    ((found,),) = cluster.listed("instance", "status")
    return found


def power_off(cluster: Cluster) -> None:
    """As root in the guest would; nobody answers any more then."""
    cluster.console(MASTER, WEB, "going down", ask=b"\necho going' 'down; poweroff -f\n")
    wait_for(lambda: not cluster.guests(), 60, "the guest to end")


def test_a_guest_that_its_user_shuts_down_stays_down(cluster: Cluster) -> None:
    cluster.gnt("cluster", "modify", "--user-shutdown=yes", "-H", "kvm:user_shutdown=true")
    cluster.gnt("instance", "add", *micro(MASTER), "--no-nics", "--ignore-ipolicy", WEB)
    # No daemon runs when it happens.
    cluster.stop_daemons()
    power_off(cluster)
    cluster.start_daemons()
    assert status(cluster) == "USER_down"
    cluster.gnt("cluster", "verify")
    assert "actual state is user down" in cluster.gnt("instance", "info", WEB).stdout
    assert cluster.run(MASTER, "ganeti-watcher", timeout_s=300).returncode == 0
    assert cluster.listed("instance", "status,admin_state,admin_state_source") == [
        ["USER_down", "down", "user"]
    ]
    assert cluster.runtime_files() == []

    cluster.gnt("instance", "startup", WEB)
    assert status(cluster) == "running"
    for pid, line in cluster.processes().items():
        if "qemu" in line.split()[0]:
            os.kill(pid, signal.SIGKILL)
    wait_for(lambda: status(cluster) == "ERROR_down", 30, "the guest to be missed")


def test_a_running_guest_gives_up_memory_and_gets_it_back(cluster: Cluster) -> None:
    cluster.gnt("instance", "add", *micro(MASTER), "--no-nics", "--ignore-ipolicy", WEB)
    cluster.gnt("instance", "modify", "-B", "minmem=64m", "--ignore-ipolicy", WEB)
    driver = "/sys/bus/virtio/drivers/virtio_balloon"
    ask = f"\ntest -d {driver}; echo ballo''on: $?\n".encode()
    if cluster.console(MASTER, WEB, r"balloon: (\d)", ask=ask).group(1) != "0":
        pytest.skip("the guests' initial RAM disk is older than this test: remove .cache/e2e/boot")
    for size in ("100", "128"):
        cluster.gnt("instance", "modify", "-m", f"{size}m", WEB)
        wait_for(partial(has_memory, cluster, size), 60, f"the guest to have {size} MiB")


def has_memory(cluster: Cluster, size: str) -> bool:
    return cluster.listed("instance", "oper_ram") == [[size]]
