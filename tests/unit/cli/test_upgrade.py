"""gnt-cluster upgrade: its command line. What it does is in tests/unit/cli/upgrading."""

from pathlib import Path

import pytest

from .fake_master import run

COMMAND = "gnt-cluster upgrade"


def node(place: Path, master: str) -> dict[str, str]:
    """The environment of a node of a cluster with that master."""
    data = place / "node1/var/lib/ganeti"
    data.mkdir(parents=True)
    (data / "ssconf_master_node").write_text(f"{master}\n")
    return {"GANETI_ROOTDIR": str(place / "node1")}


@pytest.mark.parametrize("options", ["", "--to 3.2 --resume"])
def test_one_of_the_two_is_wanted(options: str) -> None:
    ran = run(f"{COMMAND} {options}")
    assert ran.code == 1
    assert "one of --to and --resume" in ran.err


def test_what_is_no_version_is_refused() -> None:
    ran = run(f"{COMMAND} --to tomorrow")
    assert ran.code == 1
    assert "'tomorrow' is no version" in ran.err


def test_only_the_master_upgrades(tmp_path: Path) -> None:
    ran = run(f"{COMMAND} --to 3.2", env=node(tmp_path, "node2"))
    assert ran.code == 11
    assert "node2" in ran.err


def test_without_a_cluster_there_is_nothing_to_upgrade(tmp_path: Path) -> None:
    ran = run(f"{COMMAND} --to 3.2", env={"GANETI_ROOTDIR": str(tmp_path / "node1")})
    assert ran.code == 5


@pytest.mark.parametrize("master", ["node1", "node2"])
def test_with_nothing_to_resume_it_is_quiet(tmp_path: Path, master: str) -> None:
    ran = run(f"{COMMAND} --resume", env=node(tmp_path, master))
    assert (ran.code, ran.out, ran.err) == (0, "", "")


def test_a_virtual_cluster_has_one_version(tmp_path: Path) -> None:
    ran = run(f"{COMMAND} --to 3.2", env=node(tmp_path, "node1"))
    assert ran.code == 1
    assert "only where the packages are installed" in ran.err
