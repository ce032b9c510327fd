"""Private OS parameters in the records of jobs: there as long as a job may need them, then not."""

from typing import Any

from pyganeti.model.enums import AdminState
from pyganeti.opcodes.cluster import OpClusterSetParams
from pyganeti.opcodes.codec import encode
from pyganeti.opcodes.instance import OpInstanceReinstall
from pyganeti.store.interface import Table
from pyganeti.testing.cluster import SimCluster
from tests.sim.asserting import failed, make_op
from tests.sim.instance.make import create, stopped

PRIVATE = {"message": "sesame"}
REINSTALL = make_op(OpInstanceReinstall, instance_name="web1", osparams_private=PRIVATE)


def records(cluster: SimCluster) -> str:
    """All that is stored but the configuration, which has them while their instance lives."""
    contents = cluster.backend.dump().contents
    kept = [contents[table] for table in Table if table is not Table.CONFIG]
    candidates = [node.backend.dump().contents for node in cluster.nodes.values()]
    kept += [found[Table.JOB] for found in candidates if Table.JOB in found]
    return repr([list(rows.values()) for rows in kept])


async def submitted(cluster: SimCluster, *ops: Any) -> int:
    """The id of a job."""
    return await (await cluster.master()).queue.submit([encode(op) for op in ops])


async def test_they_are_gone_when_the_job_has_ended() -> None:
    cluster = stopped()
    await cluster.run(REINSTALL)
    assert "sesame" not in records(cluster)
    assert "<redacted>" in records(cluster)
    assert cluster.instance("web1").name == "web1"


async def test_of_a_refused_job_nothing_is_kept() -> None:
    cluster = SimCluster()
    op = create(os_type="nothing", osparams_private=PRIVATE)
    await failed(cluster, cluster.submit(op))
    await cluster.clock.sleep(60.0)
    assert "sesame" not in records(cluster)


async def test_of_a_cancelled_job_nothing_is_kept() -> None:
    cluster = stopped()
    async with cluster.instance_held("web1"):
        job_id = await submitted(cluster, REINSTALL)
        assert "sesame" in records(cluster)
        master = await cluster.master()
        await master.cancel(master.queue.get(job_id), kill=False)
    await cluster.clock.sleep(60.0)
    assert "sesame" not in records(cluster)


async def test_of_opcodes_that_never_run_nothing_is_kept() -> None:
    cluster = stopped()
    wrong = make_op(OpInstanceReinstall, instance_name="web9")
    job_id = await submitted(cluster, wrong, REINSTALL)
    master = await cluster.master()
    await cluster.clock.sleep(60.0)
    assert [op.status for op in master.queue.get(job_id).ops] == ["error", "error"]
    assert "sesame" not in records(cluster)


async def test_the_archive_has_none() -> None:
    cluster = stopped()
    await cluster.run(REINSTALL)
    assert await (await cluster.master()).queue.archive_older(-1.0, 10.0) == (1, 0)
    assert "sesame" not in records(cluster)


async def test_those_of_all_of_an_os_too() -> None:
    cluster = stopped()
    op = make_op(OpClusterSetParams, osparams_private_cluster={"noop": PRIVATE})
    await cluster.run(op)
    assert "sesame" not in records(cluster)
    assert "sesame" in repr(cluster.view.cluster.osparams_private_cluster)


async def test_a_job_that_waits_has_them_after_a_crash() -> None:
    cluster = stopped()
    async with cluster.instance_held("web1"):
        await submitted(cluster, REINSTALL)
        await cluster.clock.sleep(1.0)
        await cluster.kill_master()
    await cluster.master()
    await cluster.clock.sleep(60.0)
    script = cluster.nodes["node1"].programs.ran[-1].env or {}
    assert script["OSP_MESSAGE"] == "sesame"
    assert "sesame" not in records(cluster)


async def test_an_opcode_that_has_ended_keeps_no_later_one_from_running() -> None:
    cluster = stopped()
    cluster.add_instance("web2", admin_state=AdminState.DOWN)
    later = make_op(OpInstanceReinstall, instance_name="web2", osparams_private=PRIVATE)
    async with cluster.instance_held("web2"):
        job_id = await submitted(cluster, REINSTALL, later)
        await cluster.clock.sleep(60.0)
        await cluster.kill_master()
    master = await cluster.master()
    await cluster.clock.sleep(60.0)
    assert [op.status for op in master.queue.get(job_id).ops] == ["success", "success"]
