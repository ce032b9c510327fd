"""A raw disk whose guest writes the header of an image format stays what it is: raw.

Were it opened as that format, its "backing file" would show the guest any file of its node.
"""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.vcluster import Cluster, virtual_cluster

WEB = "web1.example.com"
NODE = "node1"
MIB = 1 << 20


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with virtual_cluster(size=1) as made:
        made.init()
        yield made


def in_guest(cluster: Cluster, command: str, wanted: str) -> str:
    """Run ``command`` in the guest until it prints ``wanted``; the first group of that."""
    ask = f"\necho an''swer: $({command}) .\n".encode()
    return str(cluster.console(NODE, WEB, f"answer: {wanted} \\.", ask=ask).group(1))


def lie(path: Path, tmp_path: Path) -> bytes:
    """Put the beginning of a qcow2 image on a disk, backed by a secret; what it begins with."""
    secret, image = tmp_path / "secret", tmp_path / "image"
    secret.write_bytes(b"secret" * MIB)
    made = ("qemu-img", "create", "-q", "-f", "qcow2", "-b", str(secret), "-F", "raw", str(image))
    subprocess.run((*made, "1G"), check=True)
    content = image.read_bytes()
    with path.open("r+b") as disk:
        disk.write(content)
    return content


def check(cluster: Cluster, content: bytes, mib: int) -> None:
    """The guest sees its bytes, and as many as its disk has."""
    sectors = mib * MIB // 512
    assert in_guest(cluster, "cat /sys/block/vdb/size", rf"({sectors})")
    sees = "head -c 4 /dev/vdb | od -An -tx1 | tr -d ' '"
    assert in_guest(cluster, sees, "([0-9a-f]{8})") == content[:4].hex() == "514649fb"


def test_the_header_of_another_format_changes_nothing(cluster: Cluster, tmp_path: Path) -> None:
    disks = ("--disk", "0:size=1g", "--disk", "1:size=16m,name=data")
    words = ("-t", "file", *disks, "-o", "micro+default", "-n", NODE, "--no-nics")
    cluster.gnt("instance", "add", *words, "-B", "memory=128m", "--ignore-ipolicy",
                "--no-start", WEB)  # fmt: skip
    (data,) = [path for path in map(cluster.base.joinpath, cluster.images())
               if path.stat().st_size == 16 * MIB]  # fmt: skip
    content = lie(data, tmp_path)

    cluster.gnt("instance", "startup", WEB)
    check(cluster, content, 16)
    cluster.gnt("instance", "grow-disk", "--ignore-ipolicy", WEB, "1", "16m")
    check(cluster, content, 32)
    cluster.gnt("instance", "modify", "--ignore-ipolicy", "--disk", "data:detach", WEB)
    cluster.gnt("instance", "modify", "--ignore-ipolicy", "--disk", "attach:name=data", WEB)
    check(cluster, content, 32)
    cluster.gnt("instance", "reboot", WEB)
    check(cluster, content, 32)
    cluster.gnt("cluster", "verify")
    assert "qcow2" not in cluster.gnt("instance", "info", WEB).stdout

    cluster.gnt("instance", "shutdown", WEB)
    assert data.stat().st_size == 32 * MIB
    assert data.read_bytes()[: len(content)] == content
