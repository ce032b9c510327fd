"""Reports from what Ganeti's daemon read are those that it made of it."""

import json
from typing import Any

import pytest

from pyganeti.node.monitor import xen
from pyganeti.node.monitor.diskstats import parse_diskstats
from pyganeti.node.monitor.drbd import parse_drbd
from pyganeti.node.monitor.report import COLLECTORS, DEFAULT_CATEGORY, DISKSTATS, report
from pyganeti.node.monitor.volumes import parse_lvs
from tools.machine import CHECKOUT

GOLDEN = CHECKOUT / "tests" / "golden" / "mond"
MINORS = {0: "web.example.com", 3: "web.example.com", 2: "db.example.com", 1: "web.example.com"}


def golden(name: str) -> Any:  # Any: JSON
    return json.loads((GOLDEN / name).read_text("utf-8"))


def test_collectors_are_listed_as_ganetis() -> None:
    listed = [[one.name, one.category or DEFAULT_CATEGORY, one.kind] for one in COLLECTORS]
    assert listed == golden("lists.json")["collectors"]


def test_diskstats() -> None:
    said = golden("diskstats.json")
    data = parse_diskstats((GOLDEN / "diskstats.txt").read_text("utf-8"))
    assert report(DISKSTATS, data, said["timestamp"]) == said


@pytest.mark.parametrize("case", sorted(golden("drbd.json")))
def test_drbd(case: str) -> None:
    found = golden("drbd.json")[case]
    said = found["report"]["data"]
    # Which instance has a minor is confd's to say.
    minors = {one["minor"]: one["instance"] for one in said["deviceInfos"] if one.get("instance")}
    assert parse_drbd(found["text"], minors) == said


def test_lv() -> None:
    owners = dict.fromkeys([("xenvg", "d1_data"), ("xenvg", "d1_meta")], "web.example.com")
    text = (GOLDEN / "lvs.txt").read_text("utf-8")
    assert parse_lvs(text, owners) == golden("lv.json")["data"]


@pytest.mark.parametrize("case", sorted(golden("xen.json")))
def test_inst_status(case: str) -> None:
    said = golden("xen.json")[case]["data"]
    instances = [
        {"name": one["name"], "uuid": one["uuid"], "admin_state": one["adminState"],
         "mtime": one["mtime"]}
        for one in said["instances"]
    ]  # fmt: skip
    domains = {
        one["name"]: xen.Domain(one["actualState"], 1.5)
        for one in said["instances"]
        if one["uptime"]
    }
    uptimes = {one["name"]: one["uptime"] for one in said["instances"]}
    reasons = {one["name"]: one["state_reason"] for one in said["instances"]}
    assert xen.status_data(instances, domains, uptimes, reasons) == said
