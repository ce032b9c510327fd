"""What the master makes of lock requests: declared again, by chance, given back early."""

import random
from collections import Counter
from collections.abc import Callable

import pytest

from pyganeti.master.changes import instance_fields
from pyganeti.master.jobs.journal import Undo
from pyganeti.master.jobs.run import Run, undo
from pyganeti.master.locks import Level, LockRequest, Opportunistic
from pyganeti.master.lu.base import LogicalUnit
from pyganeti.master.nodes import NodeReader
from pyganeti.model.errors import ECode, OpPrereqError, ProgrammerError
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.instance import OpInstanceCreate, OpInstanceGrowDisk, OpInstanceStartup
from pyganeti.opcodes.test import OpTestDelay, OpTestDummy
from pyganeti.testing.cluster import SimCluster
from tests.sim.asserting import fails, make_op
from tests.sim.instance.make import create, empty, stopped

NODES = Level.NODE


async def held(cluster: SimCluster, level: Level) -> dict[str, tuple[str, ...]]:
    """Owners of the locks of ``level`` that are held, nodes by name."""
    states = (await cluster.master()).locks.states()
    view = cluster.view
    return {
        node.name if (node := view.find_node(state.name)) else state.name: tuple(
            owner.partition("/")[2].partition("(")[0] for owner in state.owners
        )
        for state in states
        if state.level is level and state.owners and not state.name.startswith("[")
    }


# --- by chance


class Allocate(LogicalUnit[OpInstanceCreate, list[str], list[str]]):
    """Works for a while on as many free nodes as there are; fails where ``needs`` is not among
    them."""

    def __init__(self, *, least: int = 1, needs: str = "") -> None:
        self.least = least
        self.needs = needs

    def declare_locks(self, op: OpInstanceCreate, view: ClusterView) -> LockRequest:
        """The nodes that are online."""
        nodes = frozenset(node.uuid for node in view.online_nodes())
        name = frozenset({op.instance_name})
        if not op.opportunistic_locking:
            return LockRequest(instances=name, nodes=nodes, node_res=nodes)
        part = Opportunistic(frozenset({NODES, Level.NODE_RES}), nodes, self.least)
        return LockRequest(instances=name, opportunistic=(part,))

    async def check_prereq(
        self, op: OpInstanceCreate, view: ClusterView, nodes: NodeReader
    ) -> list[str]:
        """Among the nodes that are locked there must be the one that is needed."""
        locked = nodes.granted.get(NODES, frozenset(node.uuid for node in view.online_nodes()))
        names = sorted(view.node(uuid).name for uuid in locked)
        if self.needs and self.needs not in names:
            code = ECode.TEMP_NORES if op.opportunistic_locking else ECode.NORES
            raise OpPrereqError(f"{self.needs} is not among {names}", code)
        return names

    async def execute(self, run: Run, plan: list[str]) -> list[str]:
        """Take some time."""
        await run.clock.sleep(10.0)
        return plan


def allocation(name: str = "web1") -> OpInstanceCreate:
    return create(instance_name=name, opportunistic_locking=True)


def with_allocator(lu: Allocate) -> SimCluster:
    return SimCluster(lus={OpInstanceCreate: lu})


async def test_works_on_what_is_free() -> None:
    cluster = with_allocator(Allocate())
    async with cluster.lock_held("node2"):
        assert await cluster.run(allocation()) == ["node1", "node3"]
    assert await cluster.run(allocation()) == ["node1", "node2", "node3"]


async def test_waits_until_enough_are_free() -> None:
    cluster = with_allocator(Allocate(least=2))
    async with cluster.lock_held("node1"):
        async with cluster.lock_held("node2"):
            job = cluster.submit(allocation())
            await cluster.clock.sleep(100.0)
            assert sorted(await held(cluster, NODES)) == ["node1", "node2"]
            assert await held(cluster, Level.INSTANCE) == {}
        assert await cluster.finished(job) == ["node2", "node3"]


async def test_two_work_side_by_side() -> None:
    cluster = with_allocator(Allocate(least=1))
    async with cluster.lock_held("node3"):
        first = cluster.submit(allocation("web1"))
        await cluster.clock.sleep(1.0)
    second = cluster.submit(allocation("web2"))
    begun = cluster.clock.monotonic()
    assert await cluster.finished(first) == ["node1", "node2"]
    assert await cluster.finished(second) == ["node3"]
    assert cluster.clock.monotonic() - begun < 15.0


async def test_asks_for_all_nodes_when_the_free_ones_do_not_do() -> None:
    cluster = with_allocator(Allocate(needs="node2"))
    async with cluster.lock_held("node2"):
        job = cluster.submit(allocation())
        await cluster.clock.sleep(1.0)
        found = (await cluster.master()).queue.get(await job)
        assert found.status == "waiting"
        assert "waiting for all: node2 is not among ['node1', 'node3']" in cluster.log(await job)[0]
        assert await held(cluster, Level.INSTANCE) == {}
        later = cluster.submit(OpTestDelay(duration=1.0, on_nodes=("node1",), no_locks=False))
        await cluster.clock.sleep(1.0)
        assert await held(cluster, NODES) == {"node2": ("",)}  # node1 is kept for the older one
    assert await cluster.finished(job) == ["node1", "node2", "node3"]
    await cluster.finished(later)


async def test_keeps_its_place_when_it_asks_for_all_nodes() -> None:
    cluster = SimCluster(nodes=2, lus={OpInstanceCreate: Allocate(needs="node2")})
    on_node1 = OpTestDelay(duration=10.0, on_nodes=("node1",), no_locks=False)
    async with cluster.lock_held("node2"):
        async with cluster.lock_held("node1"):
            first = await cluster.submit(allocation())
            # The second one gets the node in the moment in which the first gives it back.
            _second, third = await cluster.submit(on_node1), await cluster.submit(on_node1)
            await cluster.clock.sleep(1.0)
        await cluster.clock.sleep(100.0)
        assert (await cluster.master()).locks.waiting()[0].startswith(f"{first}/")
        assert (await cluster.master()).queue.get(third).status == "waiting"


async def test_fails_when_all_nodes_do_not_do_either() -> None:
    error = await fails(with_allocator(Allocate(needs="node9")), allocation())
    assert isinstance(error, OpPrereqError)
    assert error.code is ECode.NORES


async def test_asks_again_when_a_node_went_away_while_it_waited() -> None:
    cluster = with_allocator(Allocate(least=2))
    async with cluster.lock_held("node1"):
        async with cluster.lock_held("node2"):
            job = cluster.submit(allocation())
            await cluster.clock.sleep(1.0)
            await cluster.mark_node("node3", offline=True)
        # Two are free, but one of them is not wanted any more.
        await cluster.clock.sleep(100.0)
        assert (await cluster.master()).queue.get(await job).status == "waiting"
    assert await cluster.finished(job) == ["node1", "node2"]


# --- given back early


async def test_other_instances_start_while_one_is_installed() -> None:
    cluster = empty()
    cluster.add_instance("web2")
    async with cluster.held_up("node1", "instance_os_add"):
        job = cluster.submit(create())
        await cluster.clock.sleep(10.0)
        assert await held(cluster, NODES) == {"node1": ("INSTANCE_CREATE",)}
        assert await held(cluster, Level.NODE_RES) == {}
        await cluster.run(OpInstanceStartup(instance_name="web2"))
    await cluster.finished(job)
    assert cluster.guest_states("web1") == {"node1": "running"}


async def test_a_resumed_job_asks_only_for_what_it_still_held() -> None:
    cluster = empty()
    cluster.add_instance("web2")
    programs = cluster.nodes["node1"].programs
    programs.hanging.add("noop/create")
    job = cluster.submit(create())
    await cluster.clock.sleep(10.0)
    await cluster.kill_master()
    await cluster.run(OpInstanceGrowDisk(instance_name="web2", disk=0, amount=1024))
    assert (await cluster.master()).queue.get(await job).status == "running"
    assert await held(cluster, Level.INSTANCE) == {"web1": ("INSTANCE_CREATE",)}
    assert await held(cluster, NODES) == {"node1": ("INSTANCE_CREATE",)}
    programs.release()
    await cluster.finished(job)


async def test_a_grown_disk_leaves_the_node_to_others() -> None:
    cluster = stopped()
    job = cluster.submit(OpInstanceGrowDisk(instance_name="web1", disk=0, amount=1024))
    async with cluster.held_up("node1", "blockdev_grow"):
        await cluster.clock.sleep(1.0)
        assert await held(cluster, Level.NODE_RES) == {"node1": ("INSTANCE_GROW_DISK",)}
        gate = cluster.held_up("node1", "hooks_runner")
        await gate.__aenter__()
    await cluster.clock.sleep(1.0)
    assert await held(cluster, Level.INSTANCE) == {"web1": ("INSTANCE_GROW_DISK",)}
    assert await held(cluster, Level.NODE_RES) == {}
    await gate.__aexit__(None, None, None)
    await cluster.finished(job)


Work = Callable[[Run, ClusterView], None]


class GiveBack(LogicalUnit[OpTestDummy, ClusterView, None]):
    """Holds an instance and two nodes, does one step and something to its locks."""

    def __init__(
        self, work: Work, *, before: Undo | None = None, after: Undo | None = None
    ) -> None:
        self.work = work
        self.before = before
        self.after = after

    def declare_locks(self, op: OpTestDummy, view: ClusterView) -> LockRequest:
        """An instance alone, two nodes shared."""
        nodes = frozenset(view.node(name).uuid for name in ("node1", "node2"))
        return LockRequest(instances=frozenset({"web1"}), nodes=nodes)

    async def check_prereq(
        self, op: OpTestDummy, view: ClusterView, nodes: NodeReader
    ) -> ClusterView:
        """Nothing is refused."""
        return view

    async def execute(self, run: Run, plan: ClusterView) -> None:
        """Give back and go on."""
        async with run.step("first", self.before):
            pass
        self.work(run, plan)
        async with run.step("second", self.after):
            await run.clock.sleep(10.0)


BACK = undo("node.end_tasks", nodes=[])


async def during(lu: GiveBack) -> SimCluster:
    """A cluster on which it runs."""
    cluster = SimCluster(lus={OpTestDummy: lu})
    cluster.submit(OpTestDummy())
    await cluster.clock.sleep(1.0)
    return cluster


async def test_a_level_is_given_back_but_for_what_is_kept() -> None:
    lu = GiveBack(lambda run, view: run.locks.release(NODES, keep={view.node("node2").uuid}))
    assert await held(await during(lu), NODES) == {"node2": ("TEST_DUMMY",)}


async def test_a_downgraded_instance_lets_readers_in() -> None:
    cluster = await during(GiveBack(lambda run, _view: run.locks.downgrade(Level.INSTANCE)))
    async with cluster.locks_held(LockRequest(shared_instances=frozenset({"web1"}))):
        assert await held(cluster, Level.INSTANCE) == {"web1": ("TEST_DUMMY", "")}


@pytest.mark.parametrize(
    ("lu", "said"),
    [
        (GiveBack(lambda run, _: run.locks.release(Level.CLUSTER)), "cluster"),
        (GiveBack(lambda run, _: run.locks.release(Level.INSTANCE), before=BACK), "undo needs"),
        (GiveBack(lambda run, _: run.locks.downgrade(Level.INSTANCE), before=BACK), "undo needs"),
        (GiveBack(lambda run, _: run.locks.release(Level.INSTANCE), after=BACK), "not locked"),
    ],
)
async def test_what_an_undo_needs_is_kept(lu: GiveBack, said: str) -> None:
    cluster = SimCluster(lus={OpTestDummy: lu})
    error = await fails(cluster, OpTestDummy())
    assert isinstance(error, ProgrammerError)
    assert said in str(error)
    assert (await cluster.master()).locks.states() == []


# --- when the world moves, at random


class Watched(LogicalUnit[OpInstanceStartup, str, None]):
    """Works on an instance where it is, and finds whether it is alone there."""

    def __init__(self) -> None:
        self.busy: Counter[str] = Counter()
        self.where: list[str] = []

    def declare_locks(self, op: OpInstanceStartup, view: ClusterView) -> LockRequest:
        """The instance, and its node alone."""
        instance = view.instance(op.instance_name)
        node = frozenset({instance.primary_node})
        return LockRequest(instances=frozenset({instance.name}), nodes=node)

    async def check_prereq(
        self, op: OpInstanceStartup, view: ClusterView, nodes: NodeReader
    ) -> str:
        """Look where it is."""
        return view.instance(op.instance_name).uuid

    async def execute(self, run: Run, plan: str) -> None:
        """Take some time; the node and the instance are nobody else's meanwhile."""
        node = run.config.view.instances[plan].primary_node
        self.busy.update((plan, node))
        await run.clock.sleep(1.0)
        assert (self.busy[plan], self.busy[node]) == (1, 1)
        self.busy.subtract((plan, node))
        self.where.append(node)
        # Nobody but us may move it while we hold it: others move what they hold.
        others = [found.uuid for found in run.config.view.all_nodes() if found.uuid != node]
        target = others[run.job % len(others)]
        async with run.step("move it"):
            await run.config.commit(instance_fields(plan, primary_node=target))


@pytest.mark.parametrize("seed", range(30))
async def test_what_is_worked_on_is_what_is_locked_however_the_world_moves(seed: int) -> None:
    chance, lu = random.Random(seed), Watched()
    cluster = SimCluster(nodes=4, seed=seed, lus={OpInstanceStartup: lu})
    names = [f"web{number}" for number in range(4)]
    for name in names:
        cluster.add_instance(name, node=f"node{chance.randint(1, 4)}")
    jobs = []
    for _ in range(25):
        op = make_op(
            OpInstanceStartup, instance_name=chance.choice(names), priority=chance.choice((-10, 0))
        )
        jobs.append(cluster.submit(op))
        await cluster.clock.sleep(chance.choice((0.0, 0.1, 0.7)))
    for job in jobs:
        await cluster.finished(job)
    assert len(lu.where) == len(jobs)
    assert (await cluster.master()).locks.states() == []
