"""How ``gnt-cluster verify`` tells what it finds, and what its options change."""

from typing import Any

import pytest

from pyganeti.model.enums import AdminState
from pyganeti.model.verify_codes import CONFIG_CODES, OBJECT_TYPE, VerifyCode
from pyganeti.opcodes.base import Opcode
from pyganeti.opcodes.cluster import (
    OpClusterSetParams,
    OpClusterVerifyConfig,
    OpClusterVerifyGroup,
)
from pyganeti.opcodes.group import OpGroupAdd
from pyganeti.opcodes.instance import OpInstanceShutdown
from pyganeti.testing.cluster import SimCluster
from tests.sim.asserting import make_op
from tests.sim.cluster import verify_faults as f
from tests.sim.instance.make import create, running, stopped
from tests.sim.instance.make_drbd import drbd, mirrored

SECTIONS = [
    "* Verifying group 'default'",
    "* Gathering information about nodes (3 nodes)",
    "* Gathering disk information (1 nodes)",
    "* Verifying configuration file consistency",
    "* Verifying node status",
    "* Verifying instance status",
    "* Verifying orphan volumes",
    "* Verifying N+1 Memory redundancy",
    "* Other Notes",
    "* Hooks Results",
]


def group(**parameters: Any) -> OpClusterVerifyGroup:  # Any: opcode parameters
    return make_op(OpClusterVerifyGroup, **{"group_name": "default", **parameters})


async def told(cluster: SimCluster, op: Opcode) -> tuple[bool, list[str]]:
    """Whether all was right, and all that was said."""
    job = cluster.submit(op)
    good = await cluster.finished(job)
    return good, cluster.log(await job)


async def test_of_a_healthy_cluster_only_what_is_checked_is_said() -> None:
    cluster = await running()
    notice = "  - NOTICE: 1 non-redundant instance(s) found."
    wanted = [*SECTIONS[:-1], notice, SECTIONS[-1]]
    assert await told(cluster, group()) == (True, wanted)
    assert await told(cluster, OpClusterVerifyConfig()) == (
        True,
        [
            "* Verifying cluster config",
            "* Verifying cluster certificate files",
            "* Verifying hypervisor parameters",
            "* Verifying all nodes belong to an existing group",
        ],
    )


async def test_more_is_said_of_nodes_and_instances_on_demand() -> None:
    cluster = await running()
    _, lines = await told(cluster, group(verbose=True))
    assert "* Verifying node node1 (master)" in lines
    assert "* Verifying node node2 (candidate)" in lines
    assert "* Verifying instance web1" in lines


async def test_a_finding_is_told_for_people_or_for_programs() -> None:
    cluster = await running()
    await f.guest("node2", "ghost", runs=True)(cluster)
    text = "instance ghost is running but the configuration does not know it"
    _, lines = await told(cluster, group())
    assert f"  - ERROR: node node2: {text}" in lines
    _, lines = await told(cluster, group(error_codes=True))
    assert f"  - ERROR:ENODEORPHANINSTANCE:node:node2:{text}" in lines


async def test_hooks_that_fail_are_repeated_line_by_line() -> None:
    cluster = await running()
    await f.hook(fails=True)(cluster)
    good, lines = await told(cluster, group())
    assert not good
    assert lines[-3:] == [
        "* Hooks Results",
        "  - ERROR: node node2: Script cluster-verify-post.d/10-look failed, output:",
        "      too warm",
    ]


async def test_hooks_that_fail_can_be_ignored() -> None:
    cluster = await running()
    await f.hook(fails=True)(cluster)
    good, lines = await told(cluster, group(ignore_errors=["ENODEHOOKS"]))
    assert good
    assert any(line.startswith("  - WARNING: node node2: Script") for line in lines)


async def test_a_node_that_falls_silent_before_its_hooks_is_a_finding() -> None:
    cluster = await running()
    cluster.nodes["node2"].dies_after = "node_verify"
    good, lines = await told(cluster, group(error_codes=True))
    assert not good
    (line,) = [line for line in lines if "ENODEHOOKS" in line]
    assert "Communication failure in hooks execution" in line


async def test_memory_is_not_looked_at_when_it_is_left_out() -> None:
    cluster = drbd()
    await cluster.run(mirrored())
    await f.instance("web1", beparams={"minmem": 10**5, "maxmem": 10**5})(cluster)
    good, lines = await told(cluster, group(skip_checks=["nplusone_mem"]))
    assert good
    assert "* Verifying N+1 Memory redundancy" not in lines
    assert not (await told(cluster, group()))[0]


@pytest.mark.parametrize("change", [{"auto_balance": False}, None], ids=["by hand", "stopped"])
async def test_memory_is_not_kept_for_what_nobody_would_start(
    change: dict[str, bool] | None,
) -> None:
    cluster = drbd()
    await cluster.run(mirrored())
    large = {"minmem": 10**5, "maxmem": 10**5}
    await f.instance("web1", beparams={**large, **(change or {})})(cluster)
    if change is None:
        await cluster.run(OpInstanceShutdown(instance_name="web1", timeout=0))
    _, lines = await told(cluster, group(error_codes=True))
    assert not [line for line in lines if "ENODEN1" in line]


async def test_questionable_parameters_are_warnings_that_can_be_left_out() -> None:
    options = {"enabled_hypervisors": ["kvm"], "hvparams": {"kvm": {"disk_cache": "writeback"}}}
    cluster = SimCluster(options=options)
    slow = {"nic_type": "e1000"}
    op = create(hypervisor="kvm", hvparams=slow, start=False, ignore_ipolicy=True)
    await cluster.run(op)
    good, lines = await told(cluster, group(error_codes=True))
    found = [line.split(":", 4)[4] for line in lines if "WARNING:ECLUSTERCFG" in line]
    assert good
    assert [text.partition(":")[0] for text in found] == [
        "hypervisor kvm of the cluster",
        "hypervisor kvm of instance web1",
    ]
    assert "disk_cache=writeback" in found[0]
    assert "nic_type=e1000" in found[1]
    _, lines = await told(cluster, group(skip_checks=["hvparam_assessment"]))
    assert not [line for line in lines if "WARNING" in line]


async def test_all_codes_can_be_simulated_and_ignored() -> None:
    cluster = await running()
    codes = []
    ops: list[Opcode] = [
        group(debug_simulate_errors=True, error_codes=True),
        OpClusterVerifyConfig(debug_simulate_errors=True, error_codes=True),
    ]
    for op in ops:
        good, lines = await told(cluster, op)
        assert not good
        codes += [line.split(":")[1] for line in lines if "ERROR:" in line]
    assert sorted(codes) == sorted(map(str, VerifyCode))
    op = group(debug_simulate_errors=True, ignore_errors=sorted(VerifyCode))
    assert (await told(cluster, op))[0]


def test_the_config_job_looks_for_no_nodes_of_their_own() -> None:
    assert {OBJECT_TYPE[code] for code in CONFIG_CODES} == {"cluster", "node"}


async def test_an_empty_group_is_right() -> None:
    cluster = stopped()
    await cluster.run(OpGroupAdd(group_name="rack9"))
    good, lines = await told(cluster, group(group_name="rack9"))
    assert good
    assert "* Empty node group, skipping verification" in lines


async def test_a_stopped_instance_on_an_offline_node_is_no_finding() -> None:
    cluster = SimCluster()
    cluster.add_instance("web1", node="node2", admin_state=AdminState.DOWN)
    cluster.set_node("node2", offline=True)
    good, lines = await told(cluster, group())
    assert good
    assert "  - NOTICE: 1 offline node(s) found." in lines


async def test_news_under_way_are_no_finding() -> None:
    cluster = await running()
    await cluster.run(make_op(OpClusterSetParams, maintain_node_health=True))
    assert (await told(cluster, group()))[0]


async def test_a_broken_configuration_does_not_end_the_check() -> None:
    cluster = await running()
    await f.instance("web1", disks=("12345678-no-disk",))(cluster)
    good, lines = await told(cluster, OpClusterVerifyConfig())
    assert not good
    assert any("web1" in line for line in lines)
    assert (await told(cluster, group()))[1][-1] == "* Hooks Results"
