"""What programs and the kernel say, and what they should not."""

from typing import Any

import pytest

from pyganeti.node.monitor import load, volumes, xen
from pyganeti.node.monitor.diskstats import parse_diskstats
from pyganeti.node.monitor.drbd import parse_drbd
from pyganeti.node.monitor.known import both, pairing
from pyganeti.node.monitor.load import Window, cpu_data, parse_stat, parse_xentop
from pyganeti.node.monitor.report import Code, CollectorError, worst

NINE = "version: 9.1.16 (api:2/proto:86-121)\nTransports (api:18): tcp (9.1.16)\n"
XL = """Name                                        ID   Mem VCPUs\tState\tTime(s)
Domain-0                                     0   768     1     r-----     163.4
web.example.com                              5   128     1     -b----      12.0
db.example.com                               6   128     2     ------       3.1
"""
STAT = (
    "cpu  100 5 20 1000 10 1 2 3 7 0\ncpu0 60 5 10 500 5 1 2 3 7 0\ncpu1 40 0 10 500 5 0 0 0 0 0\n"
)
XENTOP = """      NAME  STATE   CPU(sec) CPU(%)     MEM(k)
  Domain-0 -----r        163    0.0     527100
web.example.com --b---         12    0.0     131072
"""


def test_columns_of_newer_kernels_are_left_out() -> None:
    (row,) = parse_diskstats(" 253 0 zram0 " + " ".join(map(str, range(1, 18))))
    assert list(row.values()) == [253, 0, "zram0", *range(1, 12)]


@pytest.mark.parametrize("line", ["7 0 loop0 1 2", "a b c", "7 0 loop0 " + "x " * 11])
def test_other_lines_of_diskstats_are_an_error(line: str) -> None:
    with pytest.raises(CollectorError, match="unexpected line"):
        parse_diskstats(line)


def test_no_drbd_is_no_fault() -> None:
    assert parse_drbd("", {})["status"] == {"code": 0, "message": ""}


def test_drbd_nine_lists_no_devices_there() -> None:
    found = parse_drbd(NINE, {0: "web"})
    assert found["versionInfo"] == {"version": "9.1.16", "api": "2", "proto": "86-121"}
    assert found["deviceInfos"] == []


@pytest.mark.parametrize(
    "text", ["nonsense", " 0: cs:Unconfigured\n", NINE + " 0: cs:Connected something else\n"]
)
def test_what_drbd_does_not_write_is_an_error(text: str) -> None:
    with pytest.raises(CollectorError):
        parse_drbd(text, {})


def test_the_worst_code_counts_and_all_is_said() -> None:
    parts = [(Code.TEMPORARY, "a"), (Code.OK, ""), (Code.BAD, "b")]
    assert worst(parts) == {"code": 4, "message": "\nb\na"}


@pytest.mark.parametrize("text", ["junk", ";" * 30, "u;n;a;x;" + ";" * 15])
def test_what_lvs_does_not_print_is_an_error(text: str) -> None:
    with pytest.raises(CollectorError, match="lvs"):
        volumes.parse_lvs(text, {})


def test_volumes_of_a_mirrored_disk_are_its_childrens() -> None:
    children = [{"dev_type": "plain", "logical_id": ["xenvg", name]} for name in ("d", "m")]
    disk = {"dev_type": "drbd", "logical_id": ["a", "b", 1, 0, 0, "s"], "children": children}
    assert list(volumes.volumes_of(disk)) == [("xenvg", "d"), ("xenvg", "m")]
    assert list(volumes.volumes_of("a UUID")) == []


def test_domains() -> None:
    found = xen.parse_list(XL)
    assert {name: one.state for name, one in found.items()} == {
        "Domain-0": "running",
        "web.example.com": "blocked",
        "db.example.com": "unknown",
    }
    assert xen.is_suspect(found)


def test_who_wants_a_cpu_and_gets_none_is_hung_and_who_is_idle_is_not() -> None:
    found = xen.parse_list(XL)
    then = xen.later(found, found)
    assert (then["db.example.com"].state, then["web.example.com"].state) == ("hung", "blocked")
    moved = xen.parse_list(XL.replace("3.1", "3.2"))
    assert xen.later(found, moved)["db.example.com"].state == "unknown"


def test_what_xl_does_not_print_is_an_error() -> None:
    with pytest.raises(CollectorError, match="xl list"):
        xen.parse_list("Name\nsomething else")


def test_uptimes() -> None:
    text = "Name   ID Uptime\nDomain-0   0 98 days,  2:27:44\nweb   119 0:07:07\n"
    assert xen.parse_uptime(text) == {"Domain-0": "98 days,  2:27:44", "web": "0:07:07"}


def test_an_instance_that_is_not_described_is_an_error() -> None:
    with pytest.raises(CollectorError):
        xen.status_data([{"name": "web"}], {}, {}, {})


def test_seconds_of_cpus_are_what_was_not_idle() -> None:
    assert parse_stat(STAT, 100) == {"cpu": 1.41, "cpu0": 0.86, "cpu1": 0.55}


@pytest.mark.parametrize("text", ["", "cpu x y\n", "cpu 1\n", "intr 5\n"])
def test_what_is_not_stat_is_an_error(text: str) -> None:
    with pytest.raises(CollectorError):
        parse_stat(text, 100)


def test_loads() -> None:
    window = Window()
    assert window.rates() is None
    window.add(10.0, {"cpu": 4.0, "cpu0": 1.0, "cpu10": 0.0, "cpu2": 3.0})
    assert window.rates() is None
    window.add(14.0, {"cpu": 10.0, "cpu0": 5.0, "cpu10": 0.0, "cpu2": 5.0})
    rates = window.rates()
    assert rates is not None
    assert cpu_data(rates) == {"cpu_number": 3, "cpus": [1.0, 0.5, 0.0], "cpu_total": 1.5}


def test_samples_are_of_the_last_minutes_only() -> None:
    window = Window()
    window.add(0.0, {"a": 0.0})
    window.add(load.WINDOW_S, {"a": 600.0})
    window.add(load.WINDOW_S + 10, {"a": 600.0})
    assert window.rates() == {"a": 0.0}


def test_a_counter_that_begins_anew_is_counted_from_there() -> None:
    window = Window()
    for now_s, value in ((0.0, 50.0), (10.0, 1.0), (20.0, 6.0)):
        window.add(now_s, {"web": value})
    assert window.rates() == {"web": 0.5}
    window.add(30.0, {"other": 1.0})
    assert window.rates() == {}


def test_domains_cpu_seconds() -> None:
    assert parse_xentop(XENTOP) == {"Domain-0": 163.0, "web.example.com": 12.0}
    for text in ("", "junk", "NAME STATE CPU(sec)\nweb"):
        with pytest.raises(CollectorError, match="xentop"):
            parse_xentop(text)


def test_answers_of_confd_that_make_no_sense() -> None:
    assert pairing([["node1", 3, "web", "disk/0", "primary", "node2"]]) == {3: "web"}
    for rows in (None, [["node1"]], [["node1", "x", "web"]], {"a": 1}):
        with pytest.raises(CollectorError):
            pairing(rows)
    answers: list[Any] = [None, [[]], {}, [[], {}]]
    for answer in answers:
        with pytest.raises(CollectorError):
            both(answer)
