"""Another node becomes the master: what it has, what the old one can still do."""

import pytest

from pyganeti.master.app import Master
from pyganeti.master.deposed import FORMER_MASTERS
from pyganeti.master.failover.address import RELEASE_S
from pyganeti.master.failover.takeover import Wishes
from pyganeti.model.enums import JobStatus
from pyganeti.model.errors import GenericError, NotMasterError, OpExecError
from pyganeti.opcodes.codec import encode
from pyganeti.opcodes.instance import OpInstanceStartup
from pyganeti.opcodes.test import OpTestDelay
from pyganeti.store.interface import Put, Table, Transaction
from pyganeti.testing.cluster import SimCluster
from pyganeti.testing.nodes import SimNode
from tests.sim.failover.make import Command, founded, may_start, started, tag, tags

ALL = ("node1", "node2", "node3")


async def settled(cluster: SimCluster, master: Master) -> None:
    """Wait until everybody has what the new master has."""
    while master.replication.lost:
        await cluster.clock.sleep(1.0)
    await cluster.clock.sleep(15.0)


def stops(node: SimNode) -> int:
    """How often the node's master daemons were told to end."""
    return sum("stop-master" in command.argv for command in node.programs.ran)


async def test_an_answering_master_is_stopped_first_and_hands_over_everything() -> None:
    cluster = await founded()
    queued = await cluster.submit(OpTestDelay(duration=1.0))
    command = Command(cluster)
    new = await command.run()
    assert new.config.view.master_node.name == "node2"
    assert new.config.view.cluster.tags == ("first",)
    assert queued in new.queue.jobs
    made = command.client.procedures()
    assert made.index("node_stop_master") < made.index("epoch_take")
    assert command.client.made[-1] == ("write_ssconf_files", "node2")
    assert command.voting
    await settled(cluster, new)
    assert [cluster.nodes[name].ssconf("master_node") for name in ALL] == ["node2\n"] * 3
    for name in ("node1", "node3"):
        assert (
            cluster.nodes[name].backend.dump().contents[Table.CONFIG]
            == (cluster.nodes["node2"].backend.dump().contents[Table.CONFIG])
        )


async def test_a_silent_master_is_fenced_and_ended_once_it_is_back() -> None:
    cluster = await founded()
    old = await cluster.master()
    cluster.nodes["node1"].reachable = False
    command = Command(cluster)
    new = await command.run()
    ended: list[str] = []
    new.former_masters.subscribe(ended.append)
    assert "Node node1 does not answer" in command.said[0]
    with pytest.raises(GenericError):
        await old.queue.submit([encode(tag("from-the-old-one"))])
    await cluster.clock.sleep(60.0)
    assert stops(cluster.nodes["node1"]) == 0
    assert ended == []
    cluster.nodes["node1"].reachable = True
    await settled(cluster, new)
    assert stops(cluster.nodes["node1"]) == 1
    assert ended == [cluster.nodes["node1"].uuid]
    assert cluster.nodes["node2"].backend.read(Table.META, FORMER_MASTERS) is None
    assert cluster.nodes["node1"].ssconf("master_node") == "node2\n"
    assert tags(cluster.nodes["node1"].backend) == ("first",)


async def test_it_waits_until_the_address_is_given_up() -> None:
    cluster = await founded()
    command = Command(cluster)
    command.address_until = cluster.clock.monotonic() + 10.0
    await command.run()
    assert command.said == []
    assert len(command.probed) > 1
    assert set(command.probed) == {cluster.view.cluster.master_ip}
    assert cluster.clock.monotonic() >= command.address_until


@pytest.mark.parametrize(("silent", "least_s"), [(False, RELEASE_S), (True, 0.0)])
async def test_it_says_that_the_address_is_not_given_up_and_goes_on(
    *, silent: bool, least_s: float
) -> None:
    cluster = await founded()
    cluster.nodes["node1"].reachable = not silent
    command = Command(cluster)
    begun = cluster.clock.monotonic()
    command.address_until = float("inf")
    new = await command.run()
    assert new.config.view.master_node.name == "node2"
    (warning,) = [line for line in command.said if "cluster's address" in line]
    for text in (new.config.view.cluster.master_ip, "node1", "still answers"):
        assert text in warning
    assert cluster.clock.monotonic() - begun >= least_s
    # Nobody who does not hear it is waited for.
    assert (len(command.probed) == 1) == silent


async def test_a_former_master_that_nobody_told_does_not_start() -> None:
    cluster = await founded()
    cluster.nodes["node1"].reachable = False
    await Command(cluster).run()
    cluster.nodes["node1"].reachable = True
    await cluster.kill_master()
    with pytest.raises(NotMasterError):
        await started(cluster, "node1")


async def test_the_newest_copy_wins() -> None:
    cluster = await founded(5)
    # A lost candidate is as it was; it takes over all the same.
    cluster.nodes["node2"].reachable = False
    await cluster.run(tag("second"))
    await cluster.run(OpTestDelay(duration=1.0))
    cluster.nodes["node1"].reachable = False
    await cluster.kill_master()
    cluster.nodes["node2"].reachable = True
    assert tags(cluster.nodes["node2"].backend) == ("first",)
    new = await Command(cluster).run()
    assert new.config.view.cluster.tags == ("first", "second")
    assert sorted(new.queue.jobs) == [1, 2, 3]


async def test_archived_jobs_come_with_the_newest_copy() -> None:
    cluster = await founded()
    await cluster.kill_master()
    source, target = cluster.nodes["node3"].backend, cluster.nodes["node2"].backend
    jobs = [Put(Table.ARCHIVE, str(number), b"x" * 2**16) for number in range(1000, 1900)]
    source.apply(Transaction(source.dump().seq + 1, tuple(jobs)))
    target.apply(Transaction(target.dump().seq + 1, (*jobs[:300], Put(Table.ARCHIVE, "9", b""))))
    source.apply(Transaction(source.dump().seq + 1, ()))
    cluster.nodes["node1"].reachable = False
    command = Command(cluster)
    await command.run()
    is_same = target.dump().contents[Table.ARCHIVE] == source.dump().contents[Table.ARCHIVE]
    assert is_same
    # Six hundred of 64 KiB, four megabytes a page, from there; what is the same was not read.
    read = [node for procedure, node in command.client.made if procedure == "store_read"]
    assert read.count("node3") < 30


async def test_a_newer_term_beats_more_changes() -> None:
    cluster = await founded(5)
    for name in ("node1", "node5"):
        cluster.nodes[name].reachable = False
    new = await Command(cluster).run()
    await new.queue.submit([encode(tag("new-term"))])
    await cluster.clock.sleep(10.0)
    await cluster.kill_master()
    # One comes back with a longer history of the old term, of which nothing was promised.
    backend = cluster.nodes["node5"].backend
    for number in range(50):
        seq = backend.dump().seq + 1
        backend.apply(Transaction(seq, (Put(Table.META, f"x{number}", b"1"),)))
    cluster.nodes["node5"].reachable = True
    cluster.nodes["node2"].reachable = False
    third = await Command(cluster, "node3").run()
    assert third.config.view.cluster.tags == ("first", "new-term")


async def test_a_job_that_ran_is_unwound_and_one_that_waited_goes_on() -> None:
    cluster = await founded()
    async with cluster.held_up("node3", "instance_start"):
        running = await cluster.submit(OpInstanceStartup(instance_name="web1"))
        waiting = await cluster.submit(OpInstanceStartup(instance_name="web1"))
        await cluster.clock.sleep(5.0)
        cluster.nodes["node1"].reachable = False
        await cluster.kill_master()
    new = await Command(cluster).run()
    await cluster.clock.sleep(60.0)
    assert new.queue.get(running).status is JobStatus.ERROR
    assert new.queue.get(waiting).status is JobStatus.SUCCESS
    assert cluster.guest_states("web1") == {"node3": "running"}
    assert cluster.copies.doubles == []


@pytest.mark.parametrize("silent", [["node1"], ["node1", "node3"]])
async def test_without_voting_one_candidate_is_enough(silent: list[str]) -> None:
    cluster = await founded()
    for name in silent:
        cluster.nodes[name].reachable = False
    command = Command(cluster, wishes=Wishes(voting=False))
    new = await command.run()
    assert new.config.view.master_node.name == "node2"
    assert command.voting is False
    assert "--no-voting --yes-do-it" in command.said[-1]


async def test_two_nodes_one_of_which_dies() -> None:
    cluster = await founded(2)
    cluster.nodes["node1"].reachable = False
    await cluster.kill_master()
    new = await Command(cluster, wishes=Wishes(voting=False)).run()
    await new.queue.submit([encode(tag("alone"))])
    await cluster.clock.sleep(5.0)
    assert new.config.view.cluster.tags == ("alone", "first")
    cluster.nodes["node1"].reachable = True
    assert not await may_start(cluster, "node1")
    await settled(cluster, new)
    assert tags(cluster.nodes["node1"].backend) == ("alone", "first")
    # Both know it now: it starts with a vote.
    await cluster.kill_master()
    await started(cluster, "node2")


async def test_back_again() -> None:
    cluster = await founded()
    first = await Command(cluster).run()
    await settled(cluster, first)
    await cluster.kill_master()
    back = await Command(cluster, "node1").run()
    await settled(cluster, back)
    assert back.config.view.master_node.name == "node1"
    assert await may_start(cluster, "node2") is False


async def test_an_old_master_that_was_stopped_for_nothing_goes_on() -> None:
    cluster = await founded()
    command = Command(cluster)
    async with cluster.held_up("node2", "epoch_take"), cluster.held_up("node3", "epoch_take"):
        with pytest.raises(OpExecError, match="1 of 3 nodes obey"):
            await command.run()
    assert command.client.made[-1] == ("node_start_master_daemons", "node1")
    await cluster.run(tag("goes-on"))


async def test_a_former_master_whose_database_is_replaced_while_it_starts_takes_no_term() -> None:
    cluster = await founded(2)
    await cluster.kill_master()
    cluster.nodes["node1"].reachable = False
    new = await Command(cluster, wishes=Wishes(voting=False)).run()
    contents = cluster.backend.load()
    cluster.nodes["node1"].reachable = True
    await settled(cluster, new)
    assert tags(cluster.backend) == ("first",)
    term = cluster.nodes["node2"].epoch
    with pytest.raises(NotMasterError):
        await cluster.begin_with("node1", contents)
    assert cluster.nodes["node2"].epoch == term
