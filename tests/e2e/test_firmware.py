"""Guests with UEFI and a TPM in a cluster: what they remember outlives them, and their instance."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import Iterator

import pytest

from pyganeti.model.errors import HypervisorError
from pyganeti.node.hypervisor.kvm.firmware import find_firmware
from tests.contract.node.efi_shell import EfiShell, shell_at
from tests.e2e.vcluster import MASTER, Cluster, virtual_cluster

WEB = "web1.example.com"
WORD = b"seal"


def has_firmware() -> bool:
    """Whether this machine has a UEFI firmware."""
    try:
        find_firmware("pc")
    except HypervisorError:
        return False
    return True


pytestmark = [
    pytest.mark.skipif(not has_firmware(), reason="UEFI firmware (ovmf) is not installed"),
    pytest.mark.skipif(shutil.which("swtpm") is None, reason="swtpm is not installed"),
]


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with virtual_cluster(size=2) as made:
        made.init()
        made.add_nodes()
        yield made


def socket(cluster: Cluster, node: str) -> str:
    return str(cluster.serial_socket(node, WEB))


async def begin(shell: EfiShell) -> None:
    """Let it remember something."""
    assert await shell.variable("Probe") is None
    await shell.set_variable("Probe", 0x5C)
    assert (await shell.define(), await shell.store(WORD)) == (0, 0)


async def check(shell: EfiShell) -> None:
    """It remembers that."""
    assert await shell.variable("Probe") == 0x5C
    assert await shell.stored() == WORD


def test_an_instance_keeps_what_it_remembers(cluster: Cluster) -> None:
    words = ("-t", "file", "--disk", "0:size=32m", "-o", "micro+default", "-n", MASTER)
    # The guest's disk has no boot loader, so the firmware's shell is what boots.
    uefi = "kvm:boot_type=uefi,tpm=2.0"
    cluster.gnt(
        "instance",
        "add",
        *words,
        "-B",
        "memory=256m",
        "--no-nics",
        "--ignore-ipolicy",
        "-H",
        uefi,
        WEB,
    )
    assert cluster.listed("instance", "disk.count,disk.sizes,hv/tpm") == [["3", "32,4,4", "2.0"]]

    async def first() -> None:
        async with shell_at(socket(cluster, MASTER)) as shell:
            await shell.boot()
            await begin(shell)

    async def again(node: str) -> None:
        async with shell_at(socket(cluster, node)) as shell:
            await shell.boot()
            await check(shell)

    asyncio.run(first())
    # While it runs swtpm has cut off its image; nothing of that is a fault.
    cluster.gnt("cluster", "verify")
    cluster.gnt("instance", "shutdown", "--timeout=0", WEB)
    cluster.gnt("backup", "export", "-n", "node2", "--remove-instance", WEB)
    directory = cluster.root("node2") / "var/lib/ganeti/export" / WEB
    subprocess.run(["sha256sum", "--quiet", "-c", "SHA256SUMS"], cwd=directory, check=True)
    assert len(os.listdir(directory)) == 5
    cluster.gnt("backup", "import", "-n", "node2", "--ignore-ipolicy", WEB)
    cluster.gnt("instance", "startup", WEB)
    asyncio.run(again("node2"))
    cluster.gnt("instance", "shutdown", "--timeout=0", WEB)
    cluster.gnt("instance", "move", "-f", "--ignore-ipolicy", "-n", MASTER, WEB)
    cluster.gnt("instance", "startup", WEB)
    asyncio.run(again(MASTER))
    refused = cluster.gnt("instance", "modify", "--disk", "ganeti-tpm-state:remove", WEB, code=1)
    assert "tpm=2.0, which needs its disk ganeti-tpm-state" in refused.stderr + refused.stdout
    cluster.gnt("instance", "remove", "-f", "--shutdown-timeout=0", WEB)
    assert cluster.images() == []
    assert cluster.runtime_files() == []
