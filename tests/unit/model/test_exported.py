"""``config.ini`` of exports."""

from dataclasses import replace
from pathlib import Path

import pytest

from pyganeti.model.errors import ParseError
from pyganeti.model.exported import ExportedDisk, ExportedInstance, parse, render

GANETIS = (
    Path(__file__).parents[2] / "golden/ganeti/state/export/inst1.example.com/config.ini"
).read_text()

READ = ExportedInstance(
    name="inst1.example.com",
    os="toy+plain",
    timestamp=1795384240,
    source="08c7323f-3876-4daf-b5a8-24d3c4447f18",
    disk_template="file",
    hypervisor="fake",
    tags=("tier:web", "critical"),
    nics=(
        {
            "mac": "aa:01:02:30:b3:83",
            "ip": "198.51.100.2",
            "network": "36fe9721-14bd-43fa-a796-a7d63be832b7",
            "name": "public",
            "link": "xen-br0",
            "mode": "bridged",
        },
    ),
    disks=(ExportedDisk("disk/0", "415f2ead-758c-4672-979b-aa394c41532e", 16, "root"),),
    beparams={
        "always_failover": "False",
        "auto_balance": "True",
        "maxmem": "64",
        "minmem": "32",
        "spindle_use": "1",
        "vcpus": "2",
    },
)


def test_what_ganeti_wrote_is_read() -> None:
    assert parse(GANETIS) == READ


def test_the_same_is_written_byte_for_byte() -> None:
    nic = {**READ.nics[0], "vlan": ""}
    assert render(replace(READ, nics=(nic,))) == GANETIS


def test_all_comes_back() -> None:
    export = replace(
        READ,
        tags=(),
        nics=({"mac": "aa:00:00:00:00:01", "mode": "routed"}, {"mac": "aa:00:00:00:00:02"}),
        disks=(ExportedDisk("disk/0", None, 10), ExportedDisk("disk/1", "d1", 20, "data")),
        hvparams={"kernel_path": "", "kernel_args": "ro 50% a=%(b)s"},
        osparams={"message": "two\nlines"},
        osparams_private={"password": "100%"},
    )
    assert parse(render(export)) == export


def test_memory_stood_with_the_instance_once() -> None:
    old = GANETIS.replace("[backend]", "[other]")
    assert parse(old).beparams == {"memory": "64", "vcpus": "2"}


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("version = 0", "version = 1", "version 1"),
        ("version = 0\n", "", "'version' is missing"),
        ("name = inst1", "nam = inst1", "'name' is missing"),
        ("disk_count = 1", "disk_count = 2", "'disk1_size' is missing"),
        ("disk_count = 1", "disk_count = 1000000000", "at most 16"),
        ("nic_count = 1", "nic_count = -1", "-1"),
        ("nic_count = 1", "nic_count = many", "many"),
        ("disk0_dump = ", "disk0_dump = ../", "no file of the export"),
        ("disk0_dump = ", "disk0_dump = .", "no file of the export"),
        ("os = toy", "os = %(nothing)s", "nothing"),
        ("[export]\n", "", "no section"),
        ("[hypervisor]", "[export]", "export"),
    ],
)
def test_what_contradicts_itself_is_refused(before: str, after: str, said: str) -> None:
    assert before in GANETIS
    with pytest.raises(ParseError, match=said):
        parse(GANETIS.replace(before, after, 1))


@pytest.mark.parametrize("text", ["", "\0\1\2", "version = 0", "[export]"])
def test_what_is_no_export_is_refused(text: str) -> None:
    with pytest.raises(ParseError):
        parse(text)
