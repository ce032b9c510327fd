"""The dashboard in ``contrib/grafana``: metrics that there are, on panels that do not overlap."""

import json
import re
from itertools import combinations

from pyganeti.daemons.exposing import Type
from pyganeti.daemons.mond.metrics import METRICS as NODE
from pyganeti.daemons.rapi.metrics import METRICS as CLUSTER
from tools.machine import CHECKOUT

DASHBOARD = json.loads((CHECKOUT / "contrib/grafana/ganeti.json").read_text("utf-8"))
PANELS = DASHBOARD["panels"]
EXPRESSIONS = " ".join(target["expr"] for one in PANELS for target in one.get("targets", ()))


def test_it_shows_metrics_that_there_are() -> None:
    named = set(re.findall(r"ganeti_\w+", EXPRESSIONS))
    assert named <= {name for one in (*NODE, *CLUSTER) for name in one.series}
    # All that tells of a cluster's state is on it.
    shown = {one.name for one in CLUSTER if one.type is Type.GAUGE} - {"ganeti_cluster_cpus"}
    assert shown <= named


def test_labels_are_those_of_the_metrics() -> None:
    labels = {one.name: one.labels for one in (*NODE, *CLUSTER)}
    for name, selector in re.findall(r"(ganeti_\w+)\{([^}]*)\}", EXPRESSIONS):
        assert set(re.findall(r"(\w+)[=!]", selector)) <= set(labels[name])


def test_panels_have_places_and_numbers_of_their_own() -> None:
    assert len({one["id"] for one in PANELS}) == len(PANELS)
    for one, other in combinations((panel["gridPos"] for panel in PANELS), 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        below = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or below
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 for panel in PANELS)
