"""A group cut out of the state of a whole cluster."""

import numpy as np
import pytest

from pyganeti.htools.metrics import METRICS, values
from pyganeti.htools.model import Cluster, Instance
from pyganeti.htools.parts import part
from pyganeti.htools.state import NOWHERE, State
from pyganeti.htools.text import parse_text
from tools.htools_bed import archive

CLUSTERS = archive.read_clusters()
GROUPED = sorted(name for name in CLUSTERS if name.startswith("groups"))


def _is_split(cluster: Cluster, instance: Instance) -> bool:
    group = {node.name: node.group for node in cluster.nodes}
    second = instance.secondary
    return second is not None and group[second] != group[instance.primary]


@pytest.mark.parametrize("name", GROUPED)
def test_a_group_without_split_instances_is_as_if_it_were_alone(name: str) -> None:
    cluster = parse_text(CLUSTERS[name])
    whole = State.of(cluster, None)
    split = any(_is_split(cluster, instance) for instance in cluster.instances)
    for group in cluster.groups:
        here = part(whole, group.uuid)
        assert here.policy is group.ipolicy
        assert [node.name for node in here.nodes] == [
            node.name for node in cluster.nodes if node.group == group.uuid
        ]
        if not split:
            alone = State.of(cluster, group.uuid)
            assert values(here) == values(alone)
            assert np.array_equal(here.peers, alone.peers)


def test_a_node_of_another_group_is_nowhere_and_its_share_stays() -> None:
    text = (
        "a|ua|preferred||\nb|ub|preferred||\n\n"
        "n1|9000|0|8000|9000|8000|8|M|ua|1||N|0|1|1.0\nn2|9000|0|9000|9000|8000|8|N|ub|1||N|0|1|1.0\n"
        "\ni|1000|1000|1|running|Y|n1|n2|drbd||1|-|N\n\n\n"
    )
    whole = State.of(parse_text(text), None)
    first, second = part(whole, "ua"), part(whole, "ub")
    assert (first.primary.tolist(), first.secondary.tolist()) == ([0], [NOWHERE])
    assert (second.primary.tolist(), second.secondary.tolist()) == ([NOWHERE], [0])
    # What the node holds free for the instance does not depend on who looks.
    assert second.reserved.tolist() == whole.reserved[1:].tolist() == [1000]
    assert len(values(second)) == len(METRICS)
