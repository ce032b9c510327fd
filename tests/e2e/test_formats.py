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
    """Two nodes that see the same files."""
    with virtual_cluster(size=2) as made:
        made.init_sharing()
        yield made


def in_guest(cluster: Cluster, command: str, wanted: str, node: str = NODE) -> str:
    """Run ``command`` in the guest until it prints ``wanted``; the first group of that."""
    ask = f"\necho an''swer: $({command}) .\n".encode()
    return str(cluster.console(node, WEB, f"answer: {wanted} \\.", ask=ask).group(1))


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


def head(path: Path) -> bytes:
    """The first four bytes of a file."""
    with path.open("rb") as handle:
        return handle.read(4)


def check(cluster: Cluster, content: bytes, mib: int, node: str = NODE) -> None:
    """The guest sees its bytes, and as many as its disk has."""
    sectors = mib * MIB // 512
    assert in_guest(cluster, "cat /sys/block/vdb/size", rf"({sectors})", node)
    sees = "head -c 4 /dev/vdb | od -An -tx1 | tr -d ' '"
    assert in_guest(cluster, sees, "([0-9a-f]{8})", node) == content[:4].hex() == "514649fb"


def test_the_header_of_another_format_changes_nothing(cluster: Cluster, tmp_path: Path) -> None:
    disks = ("--disk", "0:size=1g", "--disk", "1:size=16m,name=data")
    words = ("-t", "sharedfile", *disks, "-o", "micro+default", "-n", NODE, "--no-nics")
    cluster.gnt("instance", "add", *words, "-B", "memory=128m", "--ignore-ipolicy",
                "--no-start", WEB)  # fmt: skip
    # Both nodes see it.
    data, _same = (
        path
        for path in map(cluster.base.joinpath, cluster.images())
        if path.stat().st_size == 16 * MIB
    )
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

    cluster.gnt("instance", "migrate", "-f", "-n", "node2", WEB)
    check(cluster, content, 32, "node2")

    cluster.gnt("instance", "shutdown", WEB)
    cluster.gnt("backup", "export", "-n", "node1", WEB)
    dumps = (cluster.root("node1") / "var/lib/ganeti/export" / WEB).iterdir()
    assert [path.stat().st_size for path in dumps if head(path) == content[:4]] == [32 * MIB]
    assert data.stat().st_size == 32 * MIB
    assert data.read_bytes()[: len(content)] == content
