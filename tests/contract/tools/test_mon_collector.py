"""``mon-collector``: reports from files, and from a confd."""

import json
from pathlib import Path
from typing import Any

import pytest

from pyganeti.tools.mon_collector import main
from tools.machine import CHECKOUT

GOLDEN = CHECKOUT / "tests" / "golden" / "mond"
PAIRS = [["node1", 0, "web.example.com", "disk/0", "primary", "node2"],
         ["node1", 2, "db.example.com", "disk/0", "secondary", "node2"]]  # fmt: skip


def said(capsys: pytest.CaptureFixture[str], *argv: str) -> Any:  # Any: JSON
    assert main(argv) == 0
    return json.loads(capsys.readouterr().out)


def golden(name: str) -> Any:  # Any: JSON
    return json.loads((GOLDEN / name).read_text("utf-8"))


def test_diskstats(capsys: pytest.CaptureFixture[str]) -> None:
    found = said(capsys, "diskstats", "-f", str(GOLDEN / "diskstats.txt"))
    expected = golden("diskstats.json")
    assert found == {**expected, "timestamp": found["timestamp"]}
    assert said(capsys, "diskstats")["data"][0].keys() == expected["data"][0].keys()


def test_drbd(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    case = golden("drbd.json")["several"]
    (tmp_path / "drbd").write_text(case["text"])
    (tmp_path / "pairs").write_text(json.dumps(PAIRS))
    found = said(capsys, "drbd", f"-s{tmp_path / 'drbd'}", "--drbd-pairing", f"{tmp_path}/pairs")
    assert found["data"] == case["report"]["data"]


def test_lv(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    disks = [
        {"dev_type": "plain", "logical_id": ["xenvg", name]} for name in ("d1_data", "d1_meta")
    ]
    instance = {"name": "web.example.com", "uuid": "u", "disks": disks}
    (tmp_path / "instances").write_text(json.dumps([[instance], []]))
    found = said(capsys, "lv", f"-f{GOLDEN / 'lvs.txt'}", f"-i{tmp_path / 'instances'}")
    assert found["data"] == golden("lv.json")["data"]


@pytest.mark.parametrize(
    ("argv", "text"),
    [
        (("diskstats", "-f", "/nonexistent"), "missing"),
        (("drbd", "-p", "/nonexistent"), "/nonexistent"),
        (("drbd", "-p", "/proc/version"), "/proc/version"),
        (("lv", "-a", "127.0.0.1", "-p", "1", "-i", "/proc/version"), "/proc/version"),
    ],
)
def test_what_cannot_be_reported(
    capsys: pytest.CaptureFixture[str], argv: tuple[str, ...], text: str
) -> None:
    assert main(argv) == 1
    found = capsys.readouterr()
    assert found.out == ""
    assert text in found.err
    assert len(found.err.splitlines()) == 1


@pytest.mark.parametrize("argv", [(), ("nope",), ("diskstats", "--nope"), ("lv", "-p", "x")])
def test_wrong_command_lines(argv: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(argv)
    assert ended.value.code == 2
