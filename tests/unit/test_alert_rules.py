"""The alert rules in ``contrib/prometheus``: known metrics only, and a test for each rule."""

import re
import shutil

import pytest
import yaml

from pyganeti.daemons.mond.metrics import METRICS as NODE
from pyganeti.daemons.rapi.metrics import METRICS as CLUSTER
from pyganeti.kit.process import Command, run
from tests.e2e.prepare import PROMTOOL
from tools.machine import CHECKOUT

# That of ``make prepare`` first, whose version is known.
PROGRAM = shutil.which(PROMTOOL) or shutil.which("promtool")
PLACE = CHECKOUT / "contrib" / "prometheus"
RULES = yaml.safe_load((PLACE / "ganeti.rules.yaml").read_text("utf-8"))["groups"][0]["rules"]
TESTS = yaml.safe_load((PLACE / "tests.yaml").read_text("utf-8"))["tests"]


def test_rules_and_their_tests_know_no_other_metrics() -> None:
    declared = {one.name for one in (*NODE, *CLUSTER)}
    series = [one["series"] for test in TESTS for one in test["input_series"]]
    named = set(re.findall(r"ganeti_\w+", " ".join([*(one["expr"] for one in RULES), *series])))
    assert named
    assert named <= declared


def test_each_rule_has_a_test_in_which_it_fires() -> None:
    fires = {
        one["alertname"] for test in TESTS for one in test["alert_rule_test"] if one["exp_alerts"]
    }
    assert fires == {one["alert"] for one in RULES}


@pytest.mark.skipif(PROGRAM is None, reason="Prometheus is neither installed nor unpacked")
async def test_rules_fire_when_they_should() -> None:
    await run(Command((str(PROGRAM), "test", "rules", str(PLACE / "tests.yaml"))))
