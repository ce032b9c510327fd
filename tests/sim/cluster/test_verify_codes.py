"""Every code of ``gnt-cluster verify``: absent, there after the harm, absent after the repair."""

import json
from pathlib import Path
from typing import Any

import pytest

from pyganeti.model.verify_codes import CONFIG_CODES, OBJECT_TYPE, VerifyCode
from pyganeti.opcodes.base import Opcode
from pyganeti.opcodes.cluster import OpClusterVerifyConfig, OpClusterVerifyGroup
from pyganeti.testing.cluster import SimCluster
from tests.sim.cluster.verify_faults import Fault
from tests.sim.cluster.verify_table import FAULTS

SPEC: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "spec" / "constants.json").read_text(encoding="utf-8")
)["verify"]


def checks(cluster: SimCluster, code: VerifyCode) -> list[Opcode]:
    """The opcodes of which one looks for ``code``."""
    if code in CONFIG_CODES:
        return [OpClusterVerifyConfig(error_codes=True)]
    return [
        OpClusterVerifyGroup(group_name=group.name, error_codes=True, verify_clutter=True)
        for group in cluster.view.all_groups()
    ]


async def verified(cluster: SimCluster, code: VerifyCode) -> tuple[bool, list[list[str]]]:
    """Whether all was right, and level, code, kind, name and text of each finding."""
    good, found = True, []
    for op in checks(cluster, code):
        job = cluster.submit(op)
        good &= await cluster.finished(job)
        lines = [line.strip("- ").split(":", 4) for line in cluster.log(await job)]
        found += [line for line in lines if line[0] in ("ERROR", "WARNING")]
    return good, found


def test_there_is_a_fault_for_each_code_of_ganeti() -> None:
    wanted = {entry["code"]: entry["object"] for entry in SPEC["error_codes"]}
    assert {str(code): kind for code, kind in OBJECT_TYPE.items()} == wanted
    assert {str(fault.code) for fault in FAULTS} == wanted.keys()


@pytest.mark.parametrize("fault", FAULTS, ids=[str(fault.code) for fault in FAULTS])
async def test_a_fault_is_found_until_it_is_mended(fault: Fault) -> None:
    cluster = await fault.make()
    wanted = [fault.level, str(fault.code), OBJECT_TYPE[fault.code], fault.name]
    before = await verified(cluster, fault.code)
    await fault.harm(cluster)
    good, found = await verified(cluster, fault.code)
    await fault.mend(cluster)
    after = await verified(cluster, fault.code)
    assert wanted in [line[:4] for line in found], found
    assert good == all(line[0] == "WARNING" for line in found)
    for told in (before, after):
        assert str(fault.code) not in [line[1] for line in told[1]], told
        assert told[0] == all(line[0] == "WARNING" for line in told[1])
