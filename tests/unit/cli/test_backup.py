"""gnt-backup: what is submitted for which options."""

from typing import Any

import pytest

from .fake_master import FakeMaster, run


def submitted(line: str) -> dict[str, Any]:
    master = FakeMaster()
    ran = run(line, master)
    assert ran.code == 0, ran.err
    return master.ops[0]


def test_export() -> None:
    op = submitted(
        "gnt-backup export -n node2 --transport-compression gzip --noshutdown --long-sleep web1"
    )
    wanted = {
        "OP_ID": "OP_BACKUP_EXPORT",
        "instance_name": "web1",
        "target_node": "node2",
        "mode": "local",
        "compress": "gzip",
        "shutdown": False,
        "shutdown_timeout": 120,
        "remove_instance": False,
        "ignore_remove_failures": False,
        "long_sleep": True,
    }
    assert {key: op[key] for key in wanted} == wanted


def test_export_and_removal() -> None:
    op = submitted("gnt-backup export -n node2 --remove-instance --ignore-remove-failures web1")
    assert (op["remove_instance"], op["ignore_remove_failures"]) == (True, True)


def test_import_asks_for_what_was_given_only() -> None:
    op = submitted("gnt-backup import -n node1 web1")
    wanted: dict[str, Any] = {
        "OP_ID": "OP_INSTANCE_CREATE",
        "mode": "import",
        "instance_name": "web1",
        "pnode": "node1",
        "disks": [],
        "nics": [],
        "disk_template": None,
        "hypervisor": None,
        "tags": [],
        "start": False,
        "src_node": None,
        "src_path": None,
        "compress": "none",
        "identify_defaults": False,
    }
    assert {key: op[key] for key in wanted} == wanted
    assert "os_type" not in op


def test_import_with_other_settings() -> None:
    op = submitted(
        "gnt-backup import -n node1:node2 -t drbd --disk 0:size=2g --net 0:mac=generate"
        " --src-node node3 --src-dir old --identify-defaults --compress gzip -B memory=1g web2"
    )
    assert op["disks"] == [{"size": 2048}]
    assert op["nics"] == [{"mac": "generate"}]
    assert (op["pnode"], op["snode"]) == ("node1", "node2")
    assert (op["src_node"], op["src_path"], op["compress"]) == ("node3", "old", "gzip")
    assert op["identify_defaults"] is True
    assert op["beparams"] == {"memory": 1024}


def test_import_without_nics_is_told_from_import_with_the_exported_ones() -> None:
    assert submitted("gnt-backup import -n node1 --no-nics web1")["nics"] is None


def test_import_without_disks() -> None:
    op = submitted("gnt-backup import -n node1 -t diskless web1")
    assert (op["disk_template"], op["disks"]) == ("diskless", [])


def test_remove() -> None:
    op = submitted("gnt-backup remove web1")
    assert (op["OP_ID"], op["instance_name"]) == ("OP_BACKUP_REMOVE", "web1")


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("gnt-backup export web1", "-n"),
        ("gnt-backup import -n node1 --no-nics --net 0:mac=auto web1", "exclude each other"),
        ("gnt-backup import -n node1 -t diskless --disk 0:size=1g web1", "no disks"),
        ("gnt-backup import -n node1 --disk 0:mode=ro web1", "missing size"),
    ],
)
def test_what_contradicts_itself_is_refused_before_any_call(line: str, text: str) -> None:
    master = FakeMaster()
    ran = run(line, master)
    assert ran.code == 1
    assert text in ran.err
    assert master.calls == []
