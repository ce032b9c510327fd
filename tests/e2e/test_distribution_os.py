"""Debian's OS definitions, unmodified: ganeti-instance-debootstrap and ganeti-os-noop."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.prepare import OS_PACKAGES
from tests.e2e.vcluster import Cluster, virtual_cluster
from tools.debian_os import SUITE, TREE

DEB1 = "deb1.example.com"
DEFAULTS = f"SUITE={SUITE}\nPARTITION_STYLE=none\nGENERATE_CACHE=no\nCLEAN_CACHE=\n"
# The package's files lie where its scripts look for them, but only for our own processes: every
# command, and so every daemon it starts, runs in a mount namespace with these two places replaced.
NAMESPACE = """
mount --bind "$0/etc" /etc && mount --bind "$0/var-cache" /var/cache && exec "$@"
"""


def loop_devices() -> str:
    return subprocess.run(["losetup", "-a"], capture_output=True, text=True, check=True).stdout


@pytest.fixture
def package_root(tmp_path: Path) -> Path:
    """Copies of /etc and of /var/cache as they are once the packages are installed."""
    shutil.copytree("/etc", tmp_path / "etc", symlinks=True)
    shutil.copytree(OS_PACKAGES / "root" / "etc", tmp_path / "etc", dirs_exist_ok=True)
    (tmp_path / "etc/default/ganeti-instance-debootstrap").write_text(DEFAULTS)
    cache = tmp_path / "var-cache" / "ganeti-instance-debootstrap"
    cache.mkdir(parents=True)
    (cache / TREE.name).symlink_to(TREE)
    return tmp_path


@pytest.fixture
def debian(package_root: Path) -> Iterator[Cluster]:
    """A cluster of one node that finds both OS definitions."""
    wrapper = ("unshare", "--mount", "sh", "-c", NAMESPACE, str(package_root))
    with virtual_cluster(size=1, wrapper=wrapper) as cluster:
        cluster.init()
        for definition in (OS_PACKAGES / "root/usr/share/ganeti/os").iterdir():
            cluster.add_os(definition)
        yield cluster


def test_debootstrap_guest_boots_to_a_login_prompt(debian: Cluster) -> None:
    assert "debootstrap+default" in debian.gnt("os", "list").stdout.split()
    loops = loop_devices()
    debian.gnt(
        "instance", "add", "-t", "file", "--disk", "0:size=1g", "-o", "debootstrap+default",
        "-n", "node1", "-B", "memory=256m", "--no-nics", "--ignore-ipolicy", DEB1,
    )  # fmt: skip
    debian.console("node1", DEB1, r"deb1\S* login: ", ask=b"\n")
    debian.gnt("instance", "shutdown", DEB1)
    assert debian.guests() == []
    debian.gnt("instance", "reinstall", "--force", DEB1)
    debian.gnt("instance", "remove", "--force", DEB1)
    assert debian.images() == []
    assert debian.runtime_files() == []
    assert loop_devices() == loops


def test_noop_leaves_the_disk_alone(debian: Cluster) -> None:
    debian.gnt(
        "instance", "add", "-t", "file", "--disk", "0:size=1g", "-o", "noop", "-n", "node1",
        "--no-nics", "--ignore-ipolicy", "--no-start", DEB1,
    )  # fmt: skip
    (image,) = debian.images()
    assert (debian.base / image).read_bytes() == bytes(1 << 30)
    debian.gnt("instance", "remove", "--force", DEB1)
    assert debian.images() == []
