"""Drivers keep the contract of ``tests/contract/node/test_storage.py`` on real devices."""

from tests.contract.node.storage_kinds import VOLUME_GROUP
from tests.lab.conftest import Nodes
from tools.lab.nodes import TESTS


def test_logical_volumes(nodes: Nodes) -> None:
    (node,) = nodes(1)
    node.install_tests()
    node.run("pvcreate -y /dev/vdb && vgcreate xenvg /dev/vdb")
    said = node.run(
        f"cd {TESTS} && {VOLUME_GROUP}=xenvg python3 -m pytest"
        " tests/contract/node/test_storage.py -k plain",
        timeout_s=900,
    )
    assert " passed" in said or "[100%]" in said, said
    assert "skipped" not in said, said
