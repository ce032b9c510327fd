"""What a job has running on nodes ends before anything that it uses is removed."""

from pyganeti.master.luxi import LuxiMethods
from pyganeti.model.enums import JobStatus
from pyganeti.model.errors import CallTimeout, NodeUnreachable
from pyganeti.opcodes.instance import OpInstanceReinstall, OpInstanceStartup
from pyganeti.testing.cluster import SimCluster
from tests.sim.asserting import failed
from tests.sim.instance.make import create, stopped

SCRIPT = "noop/create"


async def kill(cluster: SimCluster, job: int) -> None:
    methods = LuxiMethods(await cluster.master())
    assert (await methods.handle("CancelJob", [job, True]))[0]
    await cluster.clock.sleep(5.0)
    assert (await cluster.master()).queue.get(job).status is JobStatus.CANCELED


async def test_a_killed_creation_ends_its_script_before_it_removes_the_disks() -> None:
    cluster = SimCluster()
    await cluster.master()
    before = cluster.footprint()
    programs = cluster.nodes["node1"].programs
    programs.hanging.add(SCRIPT)
    job = await cluster.submit(create())
    await cluster.clock.sleep(5.0)
    assert len(programs.running) == 1
    await kill(cluster, job)
    assert programs.running == []
    assert cluster.footprint() == before


async def test_a_killed_reinstall_ends_its_script_before_the_guest_may_start() -> None:
    cluster = stopped()
    await cluster.master()
    programs = cluster.nodes["node1"].programs
    programs.hanging.add(SCRIPT)
    job = await cluster.submit(OpInstanceReinstall(instance_name="web1"))
    await cluster.clock.sleep(5.0)
    assert len(programs.running) == 1
    await kill(cluster, job)
    assert programs.running == []
    await cluster.run(OpInstanceStartup(instance_name="web1"))


async def test_a_script_on_a_node_that_fell_silent_ends_when_it_is_heard_again() -> None:
    cluster = SimCluster()
    await cluster.master()
    before = cluster.footprint()
    node = cluster.nodes["node2"]
    node.programs.hanging.add(SCRIPT)
    job = cluster.submit(create(pnode="node2"))
    await cluster.clock.sleep(5.0)
    node.reachable = False
    assert isinstance(await failed(cluster, job), CallTimeout | NodeUnreachable)
    assert len(node.programs.running) == 1
    node.reachable = True
    await cluster.clock.sleep(65.0)
    assert node.programs.running == []
    assert cluster.footprint() == before
