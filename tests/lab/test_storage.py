"""Drivers keep the contract of ``tests/contract/node/test_storage.py`` on real devices."""

import pytest

from tests.contract.node.storage_kinds import VOLUME_GROUP
from tests.lab.conftest import Nodes
from tools.lab.nodes import TESTS


@pytest.mark.parametrize("kind", ["plain", "drbd and not simulated"])
def test_real_devices(nodes: Nodes, kind: str) -> None:
    (node,) = nodes(1)
    node.install_tests()
    node.run("modprobe drbd && pvcreate -y /dev/vdb && vgcreate xenvg /dev/vdb")
    said = node.run(
        f"cd {TESTS} && {VOLUME_GROUP}=xenvg python3 -m pytest"
        f" tests/contract/node/test_storage.py -k '{kind}'",
        timeout_s=1500,
    )
    assert " passed" in said or "[100%]" in said, said
    # A device has no name that could be changed.
    assert ("skipped" in said) == ("drbd" in kind), said
