"""Parameters that are not built yet refuse in one clear line, before anything is changed."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from pyganeti.model.errors import ECode
from pyganeti.opcodes.codec import decode
from pyganeti.testing.cluster import SimCluster
from tests.sim.asserting import assert_refused
from tests.sim.instance.make import create

_LISTED = tomllib.loads((Path(__file__).parents[1] / "spec" / "pending.toml").read_text())
PARAMETERS = {one["name"] for one in _LISTED["pending"] if one["kind"] == "parameter"}

_CREATE = {
    "instance_name": "web1",
    "pnode": "node1",
    "disks": [],
    "nics": [],
    "disk_template": "diskless",
    "mode": "create",
    "no_install": True,
}
_OTHERS: dict[str, dict[str, Any]] = {  # Any: opcode parameters
    "OP_BACKUP_EXPORT": {"instance_name": "web9", "target_node": "node2"},
    "OP_INSTANCE_CREATE": _CREATE,
    "OP_INSTANCE_RECREATE_DISKS": {"instance_name": "web9"},
    "OP_INSTANCE_SET_PARAMS": {"instance_name": "web9"},
}
# A value for each parameter, away from its default.
VALUES: dict[str, Any] = {  # Any: values of many types
    "OP_BACKUP_EXPORT mode=remote": "remote",
    "OP_BACKUP_EXPORT zero_free_space": True,
    "OP_CLUSTER_SET_PARAMS add_uids": [[1000, 1010]],
    "OP_CLUSTER_SET_PARAMS data_collector_interval": {"cpu-avg-load": 5},
    "OP_CLUSTER_SET_PARAMS enabled_data_collectors": {"cpu-avg-load": False},
    "OP_CLUSTER_SET_PARAMS file_storage_dir": "/srv",
    "OP_CLUSTER_SET_PARAMS gluster_storage_dir": "/srv",
    "OP_CLUSTER_SET_PARAMS install_image": "/image",
    "OP_CLUSTER_SET_PARAMS instance_communication_network": "net",
    "OP_CLUSTER_SET_PARAMS master_netdev": "lo",
    "OP_CLUSTER_SET_PARAMS master_netmask": 24,
    "OP_CLUSTER_SET_PARAMS modify_etc_hosts": True,
    "OP_CLUSTER_SET_PARAMS remove_uids": [[1000, 1010]],
    "OP_CLUSTER_SET_PARAMS shared_file_storage_dir": "/srv",
    "OP_CLUSTER_SET_PARAMS uid_pool": [[1000, 1010]],
    "OP_CLUSTER_SET_PARAMS use_external_mip_script": True,
    "OP_CLUSTER_SET_PARAMS vg_name": "xenvg",
    "OP_CLUSTER_SET_PARAMS zeroing_image": "/image",
    "OP_INSTANCE_CREATE commit": True,
    "OP_INSTANCE_CREATE forthcoming": True,
    "OP_INSTANCE_CREATE instance_communication": True,
    "OP_INSTANCE_CREATE mode=remote-import": "remote-import",
    "OP_INSTANCE_MULTI_ALLOC iallocator": "hail",
    "OP_INSTANCE_RECREATE_DISKS iallocator": "hail",
    "OP_INSTANCE_SET_PARAMS instance_communication": True,
    "OP_INSTANCE_SET_PARAMS runtime_mem": 128,
}


def test_every_pending_parameter_has_a_value_to_try() -> None:
    assert VALUES.keys() >= PARAMETERS


@pytest.mark.parametrize("name", sorted(PARAMETERS))
async def test_a_pending_parameter_refuses(name: str) -> None:
    op_id, _, parameter = name.partition(" ")
    values = {**_OTHERS.get(op_id, {}), parameter.partition("=")[0]: VALUES[name]}
    cluster = SimCluster()
    cluster.add_instance("web9")
    op = decode({"OP_ID": op_id, **values})
    await assert_refused(cluster, op, ECode.STATE, parameter.partition("=")[0], "not built yet")


async def test_a_disk_template_that_is_not_built_refuses() -> None:
    cluster = SimCluster(options={"enabled_disk_templates": ["rbd", "file"]})
    op = create(disk_template="rbd")
    await assert_refused(cluster, op, ECode.STATE, "rbd", "not built yet")
