"""What is not built yet refuses in one clear line, before anything is changed."""

import tomllib
from pathlib import Path

from pyganeti.model.errors import ECode
from pyganeti.testing.cluster import SimCluster
from tests.sim.asserting import assert_refused
from tests.sim.instance.make import create

_LISTED = tomllib.loads((Path(__file__).parents[1] / "spec" / "pending.toml").read_text())


def test_no_parameter_is_pending() -> None:
    assert [one["name"] for one in _LISTED["pending"] if one["kind"] == "parameter"] == []


async def test_a_disk_template_that_is_not_built_refuses() -> None:
    cluster = SimCluster(options={"enabled_disk_templates": ["rbd", "file"]})
    op = create(disk_template="rbd")
    await assert_refused(cluster, op, ECode.STATE, "rbd", "not built yet")
