"""OP_INSTANCE_REINSTALL."""

import pytest

from pyganeti.model.errors import ECode
from pyganeti.opcodes.instance import OpInstanceReinstall
from pyganeti.testing.cluster import SimCluster
from pyganeti.testing.unwinding import assert_unwinds
from tests.sim.asserting import assert_refused, fails
from tests.sim.instance.make import offline, on_offline_node, on_silent_node, running, stopped

OP = OpInstanceReinstall(instance_name="web1")
OTHER = OpInstanceReinstall(
    instance_name="web1", os_type="noop+minimal", osparams={"message": "hello"}
)


async def test_runs_the_scripts_and_shuts_the_disks_down() -> None:
    cluster = stopped()
    await cluster.master()
    before = cluster.footprint()
    await cluster.run(OP)
    node = cluster.nodes["node1"]
    script = node.programs.ran[-1]
    assert script.argv[0].endswith("/create")
    assert script.env is not None
    assert script.env["INSTANCE_REINSTALL"] == "1"
    assert cluster.footprint() == before


async def test_takes_another_os_and_other_parameters() -> None:
    cluster = stopped()
    await cluster.run(OTHER)
    assert cluster.instance("web1").os == "noop+minimal"
    assert cluster.instance("web1").osparams == {"message": "hello"}


async def test_secret_parameters_reach_the_script_only() -> None:
    cluster = stopped()
    op = OpInstanceReinstall(instance_name="web1", osparams_secret={"message": "sesame"})
    await cluster.run(op)
    script = cluster.nodes["node1"].programs.ran[-1]
    assert script.env is not None
    assert script.env["OSP_MESSAGE"] == "sesame"
    everything = cluster.backend.dump().contents
    assert not any(b"sesame" in value for rows in everything.values() for value in rows.values())


@pytest.mark.parametrize(
    ("op", "code", "said"),
    [
        (OpInstanceReinstall(instance_name="web9"), ECode.NOENT, "web9"),
        (OpInstanceReinstall(instance_name="web1", os_type="missing"), ECode.INVAL, "missing"),
        (OpInstanceReinstall(instance_name="web1", osparams={"x": "1"}), ECode.INVAL, "x"),
    ],
)
async def test_refuses_before_any_change(op: OpInstanceReinstall, code: ECode, said: str) -> None:
    await assert_refused(stopped(), op, code, said)


async def test_refuses_a_diskless_instance() -> None:
    cluster = SimCluster()
    cluster.add_instance("web1", disks=())
    await assert_refused(cluster, OP, ECode.INVAL, "web1", "disk")


async def test_refuses_a_running_instance() -> None:
    await assert_refused(await running(), OP, ECode.STATE, "web1")


async def test_refuses_an_offline_instance() -> None:
    await assert_refused(await offline(), OP, ECode.STATE, "offline")


async def test_refuses_an_offline_node() -> None:
    await assert_refused(on_offline_node(), OP, ECode.STATE, "node2")


async def test_refuses_a_silent_node() -> None:
    await assert_refused(on_silent_node(), OP, ECode.ENVIRON, "node2")


async def test_a_failing_script_keeps_the_old_os() -> None:
    cluster = stopped()
    cluster.nodes["node1"].programs.failing["/create"] = "no mirror"
    assert "no mirror" in str(await fails(cluster, OTHER))
    assert cluster.instance("web1").os == "noop+default"
    assert cluster.instance("web1").osparams == {}


async def test_follows_an_instance_that_moved_while_waiting() -> None:
    cluster = stopped()
    async with cluster.instance_held("web1"):
        job = cluster.submit(OP)
        await cluster.move("web1", to="node2")
    await cluster.finished(job)
    assert cluster.nodes["node2"].programs.paths()[-1].endswith("/create")


async def test_unwinds_from_every_fault_point() -> None:
    await assert_unwinds(stopped, OTHER)
