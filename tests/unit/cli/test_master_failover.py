"""gnt-cluster master-failover: its command line. What it does is in tests/sim/failover."""

from pathlib import Path

import pytest

from .fake_master import Terminal, run

COMMAND = "gnt-cluster master-failover"


@pytest.mark.parametrize("answer", ["n", ""])
def test_without_voting_it_asks_first(answer: str) -> None:
    terminal = Terminal(answer)
    ran = run(f"{COMMAND} --no-voting", terminal=terminal)
    assert (ran.code, ran.err) == (1, "")
    assert "there will be two" in terminal.written


def test_nobody_to_ask_is_a_no() -> None:
    assert run(f"{COMMAND} --no-voting").code == 1


@pytest.mark.parametrize("options", ["--no-voting --yes-do-it", "", "--yes-do-it"])
def test_nothing_is_asked_otherwise(options: str, tmp_path: Path) -> None:
    terminal = Terminal()
    ran = run(f"{COMMAND} {options}", env={"GANETI_ROOTDIR": str(tmp_path / "node1")},
              terminal=terminal)  # fmt: skip
    assert ran.code == 5
    assert "not part of a cluster" in ran.err
    assert terminal.written == ""


def test_what_is_neither_yes_nor_no_is_refused() -> None:
    ran = run(f"{COMMAND} --ignore-offline-nodes perhaps")
    assert ran.code == 1
    assert "'perhaps' is neither yes nor no" in ran.err


def test_the_alias_is_the_same(tmp_path: Path) -> None:
    ran = run("gnt-cluster masterfailover", env={"GANETI_ROOTDIR": str(tmp_path / "node1")})
    assert ran.code == 5


@pytest.mark.parametrize(
    ("master", "text"),
    [("node1", "node1 is already the master"), ("node2", "node1 is not a master candidate")],
)
def test_it_is_refused_without_a_call(master: str, text: str, tmp_path: Path) -> None:
    root = tmp_path / "node1"
    data = root / "var/lib/ganeti"
    data.mkdir(parents=True)
    for key, value in {
        "master_node": master,
        "node_primary_ips": "node1 192.0.2.1\nnode2 192.0.2.2",
        "master_candidates": "node2\nnode3",
    }.items():
        (data / f"ssconf_{key}").write_text(f"{value}\n")
    ran = run(COMMAND, env={"GANETI_ROOTDIR": str(root), "GANETI_HOSTNAME": "node1"})
    assert ran.code == 1
    assert text in ran.err
