"""DRBD's settings of a cluster: the helper program and the disk parameters."""

import pytest

from pyganeti.kit.ids import SeededIds
from pyganeti.model.enums import DiskTemplate
from pyganeti.model.errors import ECode, ParameterError
from pyganeti.opcodes.cluster import OpClusterSetParams
from pyganeti.testing.beginning import first_view
from pyganeti.wire.noderpc.types import DrbdInfo
from tests.sim.asserting import assert_refused
from tests.sim.instance.make_drbd import drbd, mirrored


def test_a_new_cluster_with_drbd_has_a_helper_that_does_nothing() -> None:
    for templates, helper in ((["drbd"], "/bin/true"), (["plain"], None)):
        view = first_view(1, {"enabled_disk_templates": templates}, SeededIds())
        assert view.cluster.drbd_usermode_helper == helper
    options = {"enabled_disk_templates": ["drbd"], "drbd_helper": "/sbin/x"}
    assert first_view(1, options, SeededIds()).cluster.drbd_usermode_helper == "/sbin/x"


def test_a_new_cluster_has_the_disk_parameters_that_were_given() -> None:
    options = {"diskparams": {"drbd": {"resync-rate": 1024}}}
    cluster = first_view(1, options, SeededIds()).cluster
    assert cluster.diskparams == {DiskTemplate.DRBD: {"resync-rate": 1024}}
    bad = {"diskparams": {"drbd": {"dynamic-resync": True, "c-min-rate": 9, "c-max-rate": 1}}}
    with pytest.raises(ParameterError, match="c-min-rate"):
        first_view(1, bad, SeededIds())


async def test_the_helper_must_be_what_the_nodes_call() -> None:
    cluster = drbd()
    for node in cluster.nodes.values():
        node.drbd.facts = DrbdInfo(version="8.4.11", helper="/sbin/x")
    cluster.nodes["node3"].drbd.facts = DrbdInfo(error="not loaded")
    op = OpClusterSetParams(drbd_helper="/sbin/x")
    await assert_refused(cluster, op, ECode.ENVIRON, "node3", "not loaded")
    cluster.nodes["node3"].drbd.facts = DrbdInfo(version="8.4.11", helper="/sbin/y")
    await assert_refused(cluster, op, ECode.ENVIRON, "on node node3: drbd helper is /sbin/y")
    await cluster.mark_node("node3", offline=True, master_candidate=False)
    await cluster.run(op)
    assert cluster.view.cluster.drbd_usermode_helper == "/sbin/x"


async def test_no_helper_only_without_drbd() -> None:
    cluster = drbd()
    none = OpClusterSetParams(drbd_helper="")
    await cluster.run(none)
    assert cluster.view.cluster.drbd_usermode_helper is None
    await cluster.run(mirrored())
    cluster.rpc_changes.clear()
    await assert_refused(cluster, none, ECode.INVAL, "cannot be unset")
