"""Drivers keep the contract of ``tests/contract/node/test_storage.py`` on real devices."""

import re

import pytest

from tests.contract.node.storage_kinds import VOLUME_GROUP
from tests.lab.conftest import Nodes
from tools.lab.project import TESTS


@pytest.mark.parametrize(
    ("kind", "lacking"),
    [("plain", {"peer"}), ("drbd and not simulated", {"names", "snapshots"})],
    ids=["plain", "drbd"],
)
def test_real_devices(nodes: Nodes, kind: str, lacking: set[str]) -> None:
    (node,) = nodes(1)
    node.install_tests()
    node.run("modprobe drbd && pvcreate -y /dev/vdb && vgcreate xenvg /dev/vdb")
    said = node.run(
        f"cd {TESTS} && {VOLUME_GROUP}=xenvg python3 -m pytest -rs"
        f" tests/contract/node/test_storage.py -k '{kind}'",
        timeout_s=1500,
    )
    assert " passed" in said or "[100%]" in said, said
    left_out = re.findall(r"^SKIPPED .*: its disks have no (.*)$", said, re.MULTILINE)
    assert set(left_out) == lacking, said
    assert len(left_out) == said.count("SKIPPED"), said
