"""An OS that is not trusted: a real helper runs its script, and no node does."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.e2e.install_image import MEMORY, write_install_image
from tests.e2e.own_network import own_network
from tests.e2e.vcluster import BOOT_S, Cluster, virtual_cluster, wait_for
from tools.machine import CHECKOUT

WEB: Final = "web1.example.com"
NODE: Final = "node1"
OS: Final = CHECKOUT / "tests/e2e/os/guarded"
PASSWORD: Final = "open-sesame"
ADD: Final = (
    "instance", "add", "-t", "file", "--disk", "0:size=64m", "-o", "guarded", "-n", NODE,
    "-B", f"memory={MEMORY}", "--ignore-ipolicy", "--no-nics",
)  # fmt: skip


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """One node in a network of its own, with an image."""
    image = tmp_path / "install.img"
    write_install_image(image)
    with (
        own_network(["127.99.2.1/32"]) as wrapper,
        virtual_cluster(size=1, wrapper=wrapper) as made,
    ):
        made.init("--install-image", str(image))
        made.add_os(OS)
        made.gnt("cluster", "modify", "--instance-communication-network=talk")
        yield made


def written(cluster: Cluster) -> list[str]:
    """What the script wrote on the only disk."""
    (image,) = cluster.images()
    begin = (cluster.base / image).read_bytes()[:200]
    return begin.rstrip(b"\0").decode().split("|")[:-1]


def records(cluster: Cluster) -> list[Path]:
    """What the metadata daemon may tell."""
    return list((cluster.root(NODE) / "var/run/ganeti/metadata").glob("*.json"))


def is_at_work(cluster: Cluster) -> bool:
    """Whether the helper runs, and not a QEMU that is asked what it can do."""
    return any(f"-name {WEB}" in line for line in cluster.guests())


def check_no_helper(cluster: Cluster) -> None:
    """Neither a helper nor anything of one is there, and no node ran the script."""
    assert cluster.guests() == []
    assert cluster.runtime_files() == []
    assert list(cluster.base.glob("node*/var/lib/ganeti/helpers/*")) == []
    assert records(cluster) == []
    assert not (OS / "ran-on-a-node").exists()


def test_a_helper_installs_and_no_node_runs_the_script(cluster: Cluster) -> None:
    listed = cluster.gnt("os", "diagnose").stdout
    assert "guarded" in listed
    secret = (f"--os-parameters-secret=password={PASSWORD}",)
    cluster.gnt(*ADD, "--no-start", "-O", "message=hello", *secret, WEB, timeout_s=BOOT_S * 4)
    assert written(cluster) == [WEB, "hello", PASSWORD, ""]
    check_no_helper(cluster)
    (log,) = (cluster.root(NODE) / "var/log/ganeti/os").glob("add-guarded-*.log")
    assert log.read_text() == f"installing {WEB} with <redacted>\n"
    leaks = subprocess.run(
        ("grep", "-rl", PASSWORD, str(cluster.base / NODE / "var")),
        stdout=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    assert leaks.stdout == ""

    words = ("instance", "reinstall", "-f", "-O", "message=again", *secret)
    cluster.gnt(*words, WEB, timeout_s=BOOT_S * 4)
    assert written(cluster) == [WEB, "again", PASSWORD, "1"]
    check_no_helper(cluster)

    failed = cluster.gnt("instance", "reinstall", "-f", "-O", "message=fail", *secret, WEB, code=1)
    assert "create_untrusted script failed (exit code 3)" in failed.stderr
    assert f"installing {WEB} with <redacted>" in failed.stderr
    check_no_helper(cluster)
    cluster.gnt("instance", "remove", "-f", WEB)
    cluster.gnt("cluster", "verify")


def test_the_guest_starts_then_and_is_told_no_secret(cluster: Cluster) -> None:
    words = ("--communication=yes", f"--os-parameters-secret=password={PASSWORD}")
    cluster.gnt(*ADD, *words, "-O", "message=hello", WEB, timeout_s=BOOT_S * 4)
    assert cluster.listed("instance", "status") == [["running"]]
    (record,) = records(cluster)
    assert json.loads(record.read_text())["parameters"] == {"message": ["hello", "public"]}
    assert written(cluster) == [WEB, "hello", PASSWORD, ""]


def test_one_that_takes_too_long_is_ended(cluster: Cluster, tmp_path: Path) -> None:
    hang = ("--no-start", "-O", "message=hang", "--helper-shutdown-timeout=3")
    failed = cluster.gnt(*ADD, *hang, WEB, code=1, timeout_s=BOOT_S * 4)
    assert "has not ended 3 s after it first asked" in failed.stderr
    assert cluster.listed("instance", "name") == []
    assert cluster.images() == []
    check_no_helper(cluster)

    dead = tmp_path / "dead.img"
    dead.write_bytes(bytes(1 << 20))
    cluster.gnt("cluster", "modify", f"--install-image={dead}")
    failed = cluster.gnt(*ADD, "--no-start", "--helper-startup-timeout=3", WEB, code=1)
    assert "has not asked for its script within 3 s" in failed.stderr
    assert cluster.images() == []
    check_no_helper(cluster)
    cluster.gnt("cluster", "verify")


def test_killed_daemons_leave_nothing(cluster: Cluster) -> None:
    """A master that dies is followed by one that goes on; a node that does ends the job."""
    words = ("--no-start", "--submit", "-O", "message=slow", "--helper-shutdown-timeout=60")
    for victims, wanted in ((("masterd",), "success"), (("noded", "masterd"), "error")):
        job = cluster.gnt(*ADD, *words, WEB).stderr.strip().rpartition(" ")[2]
        wait_for(lambda: is_at_work(cluster), BOOT_S, "the helper")
        for victim in victims:
            cluster.kill9(f"ganeti-{victim}", NODE)
        for victim in victims:
            cluster.run(NODE, "daemon-util", "start", f"ganeti-{victim}")
        said = cluster.gnt("job", "watch", job, code=None, timeout_s=BOOT_S * 4)
        shown = ("list", "--no-headers", "-o", "status", job)
        assert cluster.gnt("job", *shown).stdout.strip() == wanted, said
        wait_for(lambda: cluster.guests() == [], 60, "the end of the helper")
        if wanted == "success":
            assert written(cluster)[:2] == [WEB, "slow"]
            cluster.gnt("instance", "remove", "-f", WEB)
        assert cluster.listed("instance", "name") == []
        assert cluster.images() == []
        check_no_helper(cluster)
        cluster.gnt("cluster", "verify")
