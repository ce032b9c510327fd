"""OP_GROUP_SET_PARAMS."""

from typing import Any

import pytest

from pyganeti.model.enums import AllocPolicy
from pyganeti.model.errors import ECode
from pyganeti.opcodes.group import OpGroupSetParams
from pyganeti.testing.cluster import SimCluster
from pyganeti.testing.unwinding import assert_unwinds
from tests.sim.asserting import assert_refused, make_op
from tests.sim.group.make import ONE, bounds, grouped
from tests.sim.group.test_add import REFUSALS, SETTINGS


def op(**parameters: Any) -> OpGroupSetParams:  # Any: opcode parameters
    return make_op(OpGroupSetParams, **{"group_name": "default", **parameters})


async def logged(cluster: SimCluster, asked: OpGroupSetParams) -> list[str]:
    job = cluster.submit(asked)
    await cluster.finished(job)
    return cluster.log(await job)


async def test_what_is_given_changes_and_the_rest_stays() -> None:
    cluster = grouped()
    told = await cluster.run(op(**SETTINGS))
    assert told == [["ndparams", SETTINGS["ndparams"]], ["diskparams", SETTINGS["diskparams"]]]
    assert await cluster.run(op(alloc_policy="preferred")) == []
    await cluster.run(op(ndparams={"spindle_count": "default", "ovs": True}))
    group = cluster.view.group("default")
    assert group.alloc_policy is AllocPolicy.PREFERRED
    assert group.ndparams == {"exclusive_storage": True, "ssh_port": 23, "ovs": True}
    assert group.ipolicy["vcpu-ratio"] == 2.0
    assert cluster.view.filled_ndparams(cluster.view.node("node1")).ssh_port == 23
    assert cluster.view.filled_ndparams(cluster.view.node("node3")).ssh_port == 22


async def test_default_gives_values_back() -> None:
    cluster = grouped()
    await cluster.run(op(**SETTINGS))
    back: dict[str, Any] = {
        "ipolicy": dict.fromkeys(SETTINGS["ipolicy"], "default"),
        "ndparams": dict.fromkeys(SETTINGS["ndparams"], "default"),
        "diskparams": {"drbd": {"resync-rate": "default"}},
        "hv_state": {"kvm": {"cpu_node": "default"}},
    }
    await cluster.run(op(**back))
    group = cluster.view.group("default")
    assert (group.ndparams, group.ipolicy) == ({}, {})
    assert group.diskparams == {"drbd": {}}
    assert group.hv_state_static == {"kvm": {}}


async def test_instances_that_fit_no_more_are_named_and_stay() -> None:
    cluster = grouped()
    cluster.add_instance("web2", node="node3")
    lines = await logged(cluster, op(ipolicy={"minmax": bounds(memory_size=64)}))
    assert lines == ["Warning: the new instance policy does not admit instances web1"]
    # It did not fit before either, so it is not named again.
    assert await logged(cluster, op(ipolicy={"minmax": bounds(memory_size=32)})) == []
    assert await logged(cluster, op(ipolicy={"minmax": "default"})) == []


async def test_a_dry_run_names_settings_and_instances() -> None:
    cluster = grouped()
    asked = op(ipolicy={"minmax": bounds(disk_size=1)}, alloc_policy="preferred", dry_run=True)
    assert await logged(cluster, asked) == [
        "Dry run: would set ipolicy",
        "Dry run: would leave instance web1 outside the policy",
    ]
    assert cluster.view.group("default").ipolicy == {}


async def test_what_is_so_already_commits_nothing() -> None:
    cluster = grouped()
    await cluster.run(op(**SETTINGS))
    serial = cluster.view.serial
    await cluster.run(op(**SETTINGS))
    assert cluster.view.serial == serial


@pytest.mark.parametrize(
    ("parameters", "code", "said"),
    [
        *((parameters, code, said) for parameters, code, said in REFUSALS[4:]),
        ({}, ECode.INVAL, "nothing is to be changed"),
        ({"group_name": "rack9", "alloc_policy": "preferred"}, ECode.NOENT, "rack9"),
        ({"ipolicy": {"minmax": [{"min": ONE, "max": ONE, "std": ONE}]}}, ECode.INVAL, "min and"),
    ],
)
async def test_refuses_before_any_change(
    parameters: dict[str, Any], code: ECode, said: str
) -> None:
    await assert_refused(grouped(), op(**parameters), code, said)


async def test_unwinds_from_every_fault_point() -> None:
    await assert_unwinds(grouped, op(**SETTINGS))
