"""Directories that ``--file-storage-dir`` names: made and gone with the disks."""

from typing import Any

import pytest

from pyganeti.model.errors import GenericError
from pyganeti.opcodes.instance import OpInstanceRemove, OpInstanceSetParams
from pyganeti.testing.cluster import SimCluster
from tests.sim.asserting import make_op
from tests.sim.instance.make import create

# Any: opcode parameters.
WHERE: dict[str, Any] = {"file_storage_dir": "rack/1", "no_install": True, "start": False}


def remove(name: str) -> OpInstanceRemove:
    return OpInstanceRemove(instance_name=name)


def directories(cluster: SimCluster) -> set[str]:
    """Below the cluster's directories."""
    found = cluster.nodes["node1"].disks.directories
    return {directory.removeprefix("/srv/ganeti/") for directory in found}


@pytest.mark.parametrize(
    ("template", "base"), [("file", "file-storage"), ("sharedfile", "shared-file-storage")]
)
async def test_they_go_with_the_last_instance(template: str, base: str) -> None:
    cluster = SimCluster(options={"enabled_disk_templates": ["file", "sharedfile"]})
    for name in ("web1", "web2"):
        await cluster.run(create(name, disk_template=template, **WHERE))
    above = {f"{base}/rack", f"{base}/rack/1"}
    assert directories(cluster) == {*above, f"{base}/rack/1/web1", f"{base}/rack/1/web2"}
    await cluster.run(remove("web1"))
    assert directories(cluster) == {*above, f"{base}/rack/1/web2"}
    await cluster.run(remove("web2"))
    assert directories(cluster) == set()


async def test_they_go_with_the_last_disk() -> None:
    cluster = SimCluster()
    await cluster.run(create(disks=[{"size": 1024}], **WHERE))
    op = {"instance_name": "web1", "disks": [["remove", 0, {}]], "ignore_ipolicy": True}
    await cluster.run(make_op(OpInstanceSetParams, **op))
    assert directories(cluster) == set()


async def test_they_go_when_disks_become_others() -> None:
    cluster = SimCluster(options={"enabled_disk_templates": ["file", "plain"]})
    await cluster.run(create(**WHERE))
    await cluster.run(make_op(OpInstanceSetParams, instance_name="web1", disk_template="plain"))
    assert directories(cluster) == set()


async def test_they_go_when_the_creation_fails() -> None:
    cluster = SimCluster()
    cluster.nodes["node1"].programs.failing["/create"] = "no room"
    with pytest.raises(GenericError):
        await cluster.run(create(file_storage_dir="rack/1"))
    assert directories(cluster) == set()
