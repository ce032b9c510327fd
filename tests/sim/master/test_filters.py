"""Job filters at work."""

from typing import Any

import pytest

from pyganeti.model.errors import ConfigurationError, ECode, OpPrereqError, ParameterError
from pyganeti.model.filter import FilterRule
from pyganeti.opcodes.cluster import OpClusterSetParams
from pyganeti.opcodes.instance import OpInstanceStartup
from pyganeti.store.interface import Table
from pyganeti.testing.cluster import SimCluster
from tests.sim.instance.make import stopped
from tests.sim.master.queueing import (
    LONG,
    RESUMED,
    SHORT,
    add_filter,
    delay,
    limited,
    luxi,
    settled,
    states,
    status,
)

NEW = ["jobid", [">", "id", "watermark"]]
UUID = "8b53f7de-f8e2-4470-99bd-1efe746e434f"


def delays(seconds: float) -> list[Any]:
    """A predicate: the job has a delay of so many seconds."""
    return ["opcode", ["=", "duration", seconds]]


async def test_new_jobs_are_rejected_and_have_a_number() -> None:
    cluster = await limited(1)
    runs, queued = await cluster.submit(LONG), await cluster.submit(SHORT)
    rule = await add_filter(cluster, "REJECT", NEW, reason="moving house")
    new = await cluster.submit(SHORT)
    await settled(cluster)
    assert await states(cluster, [runs, queued, new]) == ["running", "queued", "canceled"]
    ((result, start, end),) = await (await luxi(cluster)).handle(
        "QueryJobs", [[new], ["opresult", "start_ts", "end_ts"]]
    )
    assert result == [f"Job canceled by job filter {rule}: moving house"]
    assert start is None
    assert end is not None


async def test_rejection_reaches_what_is_queued_but_not_what_was_started() -> None:
    cluster = await limited(1)
    runs, queued = await cluster.submit(LONG), await cluster.submit(LONG)
    dependent = await cluster.submit(delay(1000.0, depends=[[runs, []]]))
    other = await cluster.submit(SHORT)
    await add_filter(cluster, "REJECT", delays(1000.0))
    await settled(cluster)
    assert await states(cluster, [runs, queued, dependent, other]) == [
        "running",
        "canceled",
        "canceled",
        "queued",
    ]


async def test_a_job_that_waits_for_locks_has_been_started() -> None:
    cluster = stopped()
    async with cluster.instance_held("web1"):
        job = await cluster.submit(OpInstanceStartup(instance_name="web1"))
        await settled(cluster)
        assert await status(cluster, job) == "waiting"
        await add_filter(cluster, "REJECT")
        await add_filter(cluster, "PAUSE")
        await settled(cluster)
    await cluster.clock.sleep(2.0)
    assert await status(cluster, job) == "success"


async def test_what_was_done_stays_done() -> None:
    """A job that waited for the locks of its second opcode is queued again after a restart."""
    cluster = stopped()
    async with cluster.instance_held("web1"):
        job = await cluster.submit(SHORT, OpInstanceStartup(instance_name="web1"))
        await cluster.clock.sleep(2.0)
        await add_filter(cluster, "REJECT")
        assert await status(cluster, job) == "waiting"
        await cluster.kill_master()
    await cluster.master()
    await settled(cluster)
    ((opcodes,),) = await (await luxi(cluster)).handle("QueryJobs", [[job], ["opstatus"]])
    assert opcodes == ["success", "canceled"]


async def test_paused_jobs_stay_until_the_filter_goes() -> None:
    cluster = SimCluster()
    rule = await add_filter(cluster, "PAUSE", NEW)
    jobs = [await cluster.submit(SHORT) for _ in range(3)]
    await cluster.clock.sleep(10_000.0)
    assert await states(cluster, jobs) == ["queued"] * 3
    waits = (await cluster.master()).scheduler.waits()
    assert [(wait.job, wait.kind, wait.on) for wait in waits] == [
        (job, "filter", rule) for job in jobs
    ]
    await (await luxi(cluster)).handle("DeleteFilter", [rule])
    await cluster.clock.sleep(2.0)
    assert await states(cluster, jobs) == ["success"] * 3


async def test_a_paused_job_can_be_cancelled() -> None:
    cluster = SimCluster()
    await add_filter(cluster, "PAUSE")
    job = await cluster.submit(SHORT)
    await settled(cluster)
    assert (await (await luxi(cluster)).handle("CancelJob", [job, False]))[0]
    assert await status(cluster, job) == "canceled"
    assert (await cluster.master()).scheduler.waits() == []


async def test_pausing_what_is_queued_leaves_the_place_to_others() -> None:
    cluster = await limited(1)
    await cluster.submit(delay(10.0))
    paused, other = await cluster.submit(delay(5.0)), await cluster.submit(SHORT)
    await add_filter(cluster, "PAUSE", delays(5.0))
    await cluster.clock.sleep(12.0)
    assert await states(cluster, [paused, other]) == ["queued", "success"]


async def test_only_one_maintenance_goes_on() -> None:
    """The example of the manual."""
    cluster = SimCluster()
    await add_filter(cluster, "ACCEPT", ["reason", ["=~", "reason", "pink bunny"]], priority=0)
    await add_filter(cluster, "PAUSE", NEW, priority=1)
    ours = await cluster.submit(delay(1.0, reason=[["gnt:user", "maintenance pink bunny", 1]]))
    other = await cluster.submit(SHORT)
    await cluster.clock.sleep(5.0)
    assert await states(cluster, [ours, other]) == ["success", "queued"]


async def test_continue_has_no_effect() -> None:
    cluster = SimCluster()
    rule = await add_filter(cluster, "CONTINUE")
    await add_filter(cluster, "PAUSE", priority=1)
    job = await cluster.submit(SHORT)
    await cluster.clock.sleep(5.0)
    assert await status(cluster, job) == "queued"
    assert await add_filter(cluster, "ACCEPT", uuid=rule) == rule
    await cluster.clock.sleep(5.0)
    assert await status(cluster, job) == "success"


# --- rate limit


async def test_no_more_jobs_run_than_the_rule_says() -> None:
    cluster = SimCluster()
    await add_filter(cluster, ["RATE_LIMIT", 2], delays(10.0))
    jobs = [await cluster.submit(delay(10.0)) for _ in range(5)]
    other = await cluster.submit(LONG)
    await cluster.clock.sleep(1.0)
    assert await states(cluster, [*jobs, other]) == ["running"] * 2 + ["queued"] * 3 + ["running"]
    await cluster.clock.sleep(10.0)
    assert await states(cluster, jobs) == ["success"] * 2 + ["running"] * 2 + ["queued"]
    await cluster.clock.sleep(20.0)
    assert await states(cluster, jobs) == ["success"] * 5


async def test_jobs_that_ran_before_count() -> None:
    cluster = SimCluster()
    early = [await cluster.submit(delay(10.0 + number)) for number in range(3)]
    await settled(cluster)
    await add_filter(cluster, ["RATE_LIMIT", 2])
    job = await cluster.submit(SHORT)
    await cluster.clock.sleep(11.5)
    # Two of the three are still there.
    assert await states(cluster, [*early, job]) == ["success", "success", "running", "running"]
    await cluster.clock.sleep(2.0)
    assert await states(cluster, [*early, job]) == ["success"] * 4


async def test_another_number_counts_at_once() -> None:
    cluster = SimCluster()
    rule = await add_filter(cluster, ["RATE_LIMIT", 1])
    jobs = [await cluster.submit(LONG) for _ in range(3)]
    await settled(cluster)
    assert await states(cluster, jobs) == ["running", "queued", "queued"]
    assert await add_filter(cluster, ["RATE_LIMIT", 2], uuid=rule) == rule
    await settled(cluster)
    assert await states(cluster, jobs) == ["running", "running", "queued"]
    await add_filter(cluster, ["RATE_LIMIT", 1], uuid=rule)
    late = await cluster.submit(SHORT)
    await (await luxi(cluster)).handle("CancelJob", [jobs[0], True])
    await settled(cluster)
    assert await states(cluster, [*jobs, late]) == ["canceled", "running", "queued", "queued"]
    await (await luxi(cluster)).handle("DeleteFilter", [rule])
    await settled(cluster)
    assert await states(cluster, [jobs[2], late]) == ["running", "running"]


async def test_a_limited_job_leaves_its_place_among_all_to_others() -> None:
    cluster = await limited(2)
    await add_filter(cluster, ["RATE_LIMIT", 1], delays(10.0))
    first, second = await cluster.submit(delay(10.0)), await cluster.submit(delay(10.0))
    other = await cluster.submit(SHORT)
    await cluster.clock.sleep(5.0)
    assert await states(cluster, [first, second, other]) == ["running", "queued", "success"]


# --- as an object of the configuration


async def test_filters_are_in_the_configuration_and_on_candidates() -> None:
    cluster = SimCluster()
    methods = await luxi(cluster)
    await cluster.finished(cluster.submit(SHORT))
    uuid = await add_filter(cluster, ["RATE_LIMIT", 4], NEW, priority=3)
    rule = cluster.view.to_config().filters[uuid]
    assert (rule.watermark, rule.priority, rule.action) == (1, 3, ("RATE_LIMIT", 4))
    moment = int(cluster.clock.now()) * 1_000_000_000
    trail = (("gnt:user", "maintenance", 17), ("luxid", "", moment))
    assert rule.reason_trail == trail
    fields = ["uuid", "watermark", "priority", "predicates", "action", "reason_trail"]
    row = [uuid, 1, 3, (tuple(NEW),), ("RATE_LIMIT", 4), trail]
    assert await methods.handle("QueryFilters", [[uuid], fields]) == [row]
    asked = await methods.handle("Query", ["filter", fields, None])
    assert [[value for _, value in found] for found in asked["data"]] == [row]
    await cluster.replicated()
    for node in cluster.nodes.values():
        assert f"filter/{uuid}" in node.backend.keys(Table.CONFIG) or node.name == "node1"


async def test_filters_hold_over_a_restart() -> None:
    cluster = SimCluster()
    await add_filter(cluster, "PAUSE", delays(1.0))
    limit = await add_filter(cluster, ["RATE_LIMIT", 1], priority=1)
    paused, runs, waits = [await cluster.submit(op) for op in (SHORT, RESUMED, LONG)]
    await settled(cluster)
    await cluster.kill_master()
    await cluster.master()
    await settled(cluster)
    # The one that ran only waits for a node: it is resumed, and counts.
    assert await states(cluster, [paused, runs, waits]) == ["queued", "running", "queued"]
    await (await luxi(cluster)).handle("DeleteFilter", [limit])
    await settled(cluster)
    assert await states(cluster, [paused, runs, waits]) == ["queued", "running", "running"]


async def test_a_replaced_filter_gets_a_new_watermark() -> None:
    cluster = SimCluster()
    methods = await luxi(cluster)
    assert await add_filter(cluster, "PAUSE", NEW, uuid=UUID) == UUID
    first = await cluster.submit(SHORT)
    await settled(cluster)
    assert await status(cluster, first) == "queued"
    await add_filter(cluster, "PAUSE", NEW, uuid=UUID)
    await cluster.clock.sleep(2.0)
    assert await status(cluster, first) == "success"
    assert await methods.handle("QueryFilters", [[], ["uuid", "watermark"]]) == [[UUID, first]]


async def test_the_order_is_that_in_which_they_apply() -> None:
    cluster = SimCluster()
    last = await add_filter(cluster, "PAUSE", priority=9)
    first = await add_filter(cluster, "PAUSE")
    rows = await (await luxi(cluster)).handle("QueryFilters", [[], ["uuid"]])
    assert rows == [[first], [last]]


@pytest.mark.parametrize(
    ("args", "error", "says"),
    [
        ([None, -1, [], "ACCEPT", []], OpPrereqError, "priority is -1"),
        ([None, 0, [["x", []]], "ACCEPT", []], OpPrereqError, "predicate 1"),
        ([None, 0, [], "STOP", []], OpPrereqError, "the action is 'STOP'"),
        (["new", 0, [], "ACCEPT", []], OpPrereqError, "'new' is no UUID"),
        ([UUID.upper(), 0, [], "ACCEPT", []], OpPrereqError, "is no UUID"),
        ([None, 0, [], "ACCEPT", [["a"]]], ParameterError, "'reason'"),
        ([None, "0", [], "ACCEPT", []], ParameterError, "'priority'"),
        ([None, 0, "x", "ACCEPT", []], ParameterError, "'predicates'"),
        ([None, 0, []], ParameterError, "takes 5 arguments"),
    ],
)
async def test_bad_filters_are_refused_before_anything_changes(
    args: list[Any], error: type[Exception], says: str
) -> None:
    cluster = SimCluster()
    methods = await luxi(cluster)
    before = cluster.view
    with pytest.raises(error, match=says):
        await methods.handle("ReplaceFilter", args)
    assert cluster.view is before


async def test_the_uuid_of_something_else_is_refused() -> None:
    cluster = SimCluster()
    await cluster.master()
    taken = cluster.view.node("node1").uuid
    with pytest.raises(OpPrereqError, match="is the UUID of a node") as refused:
        await add_filter(cluster, "PAUSE", uuid=taken)
    assert refused.value.code is ECode.EXISTS


async def test_an_unknown_filter_cannot_be_deleted() -> None:
    with pytest.raises(OpPrereqError) as refused:
        await (await luxi(SimCluster())).handle("DeleteFilter", [UUID])
    assert refused.value.code is ECode.NOENT


async def test_whoever_paused_everything_can_undo_it() -> None:
    cluster = SimCluster()
    rule = await add_filter(cluster, "PAUSE")
    job = await cluster.submit(OpClusterSetParams(max_running_jobs=7))
    await cluster.clock.sleep(5.0)
    assert await status(cluster, job) == "queued"
    await (await luxi(cluster)).handle("DeleteFilter", [rule])
    await cluster.clock.sleep(5.0)
    assert await status(cluster, job) == "success"


# --- while the store refuses


async def test_what_could_not_be_rejected_is_rejected_later() -> None:
    cluster = await limited(1)
    await cluster.submit(LONG)
    job = await cluster.submit(SHORT)
    rule = FilterRule(
        uuid=UUID, watermark=0, priority=0, predicates=(), action="REJECT", reason_trail=()
    )
    cluster.backend.full = True
    # Not through the configuration, which could not be changed either.
    (await cluster.master()).scheduler.set_rules([rule])
    await cluster.clock.sleep(20.0)
    assert await status(cluster, job) == "queued"
    cluster.backend.full = False
    await cluster.clock.sleep(10.0)
    assert await status(cluster, job) == "canceled"


async def test_a_cancellation_that_cannot_be_written_changes_nothing() -> None:
    cluster = await limited(1)
    await cluster.submit(delay(10.0))
    job = await cluster.submit(SHORT)
    await settled(cluster)
    cluster.backend.full = True
    with pytest.raises(ConfigurationError):
        await (await luxi(cluster)).handle("CancelJob", [job, False])
    cluster.backend.full = False
    assert await status(cluster, job) == "queued"
    await cluster.clock.sleep(12.0)
    assert await status(cluster, job) == "success"
