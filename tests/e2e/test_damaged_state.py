"""Databases and configurations that are damaged or edited, and disks that are full."""

import json
import random
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.e2e.footprint import config_data, data_dir, footprint
from tests.e2e.refusing import (
    CORRUPT_CONFIG,
    FAILURE,
    NODE,
    add_words,
    reason,
    state,
)
from tests.e2e.vcluster import NAME, Cluster, virtual_cluster, wait_for
from tools.machine import CHECKOUT


@pytest.fixture
def small() -> Iterator[Cluster]:
    """Two nodes, for tests that damage something."""
    with virtual_cluster(size=2) as cluster:
        cluster.init()
        cluster.add_nodes()
        yield cluster


def stop_master(cluster: Cluster) -> None:
    assert cluster.run("node1", "daemon-util", "stop", "ganeti-masterd").returncode == 0


def check_works(cluster: Cluster) -> None:
    """The cluster is up, takes changes and is in order."""
    cluster.gnt("cluster", "add-tags", "works")
    cluster.gnt("cluster", "remove-tags", "works")
    cluster.gnt("cluster", "verify")


def check_master_refuses(cluster: Cluster) -> str:
    """masterd does not start, in one line; what the line is. Also by way of daemon-util."""
    done = cluster.run("node1", "ganeti-masterd", "-f")
    assert done.returncode == CORRUPT_CONFIG, done.stderr
    assert cluster.run("node1", "daemon-util", "start", "ganeti-masterd").returncode == FAILURE
    assert "master daemon" in cluster.gnt("cluster", "info", code=FAILURE).stderr
    return reason(done)


def flip_a_byte(path: Path, rng: random.Random) -> bytes:
    """Flip a bit somewhere in the file and return what was there before."""
    good = path.read_bytes()
    # In what is surely used: the content of a record.
    place = good.index(b'"cluster_name"') + rng.randrange(100)
    data = bytearray(good)
    data[place] ^= 1 << rng.randrange(8)
    path.write_bytes(bytes(data))
    return good


@pytest.mark.parametrize("seed", range(3))
def test_a_flipped_byte_in_the_database_is_found(small: Cluster, seed: int) -> None:
    stop_master(small)
    database = data_dir(small, "node1") / "cluster.db"
    good = flip_a_byte(database, random.Random(seed))
    bad = database.read_bytes()
    said = check_master_refuses(small)
    assert str(database) in said
    assert "damaged" in said
    for decision in ("--take-config-file", "--keep-database"):
        done = small.run("node1", "ganeti-masterd", decision)
        assert done.returncode == CORRUPT_CONFIG
        assert "damaged" in reason(done)
    assert database.read_bytes() == bad
    database.write_bytes(good)
    small.start_daemons()
    check_works(small)


def test_a_damaged_database_is_restored_from_a_candidate(small: Cluster) -> None:
    small.gnt("cluster", "add-tags", "kept")
    small.stop_daemons()
    damaged, whole = (data_dir(small, node) for node in ("node1", NODE))
    flip_a_byte(damaged / "cluster.db", random.Random(1))
    for path in damaged.glob("cluster.db*"):
        path.unlink()
    for path in whole.glob("cluster.db*"):
        shutil.copy(path, damaged / path.name)
    small.start_daemons()
    assert small.gnt("cluster", "list-tags").stdout.split() == ["kept"]
    check_works(small)


def test_a_damaged_database_is_made_anew_from_config_data(small: Cluster) -> None:
    small.gnt("cluster", "add-tags", "kept")
    stop_master(small)
    jobs = [int(path.name[4:]) for path in (data_dir(small, "node1") / "queue").glob("job-*")]
    for path in data_dir(small, "node1").glob("cluster.db*"):
        path.unlink()
    small.start_daemons()
    assert small.gnt("cluster", "list-tags").stdout.split() == ["kept"]
    check_works(small)
    assert int(small.listed("job", "id")[-1][0]) > max(jobs)


def edit_by_hand(cluster: Cluster, tag: str) -> Path:
    path = data_dir(cluster, "node1") / "config.data"
    config = config_data(cluster)
    config["cluster"]["tags"] = [tag]
    path.write_text(json.dumps(config))
    return path


@pytest.mark.parametrize(
    ("decision", "tags"), [("--take-config-file", ["by-hand"]), ("--keep-database", ["before"])]
)
def test_an_edited_config_data_is_decided_on(
    small: Cluster, decision: str, tags: list[str]
) -> None:
    small.gnt("cluster", "add-tags", "before")
    stop_master(small)
    edited = edit_by_hand(small, "by-hand")
    said = check_master_refuses(small)
    for text in (str(edited), "--take-config-file", "--keep-database"):
        assert text in said
    done = small.run("node1", "ganeti-masterd", decision)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    small.start_daemons()
    assert small.gnt("cluster", "list-tags").stdout.split() == tags
    check_works(small)
    done = small.run("node1", "ganeti-masterd", decision)
    assert done.returncode == FAILURE
    assert "already running" in reason(done)
    check_works(small)


def test_a_config_data_that_is_no_configuration(small: Cluster) -> None:
    stop_master(small)
    path = data_dir(small, "node1") / "config.data"
    good = path.read_text()
    path.write_text(good[: len(good) // 2])
    check_master_refuses(small)
    done = small.run("node1", "ganeti-masterd", "--take-config-file")
    assert done.returncode == CORRUPT_CONFIG
    assert str(path) in reason(done)
    path.write_text(good)
    small.start_daemons()
    check_works(small)


@contextmanager
def small_disk(path: Path, size_mib: int) -> Iterator[None]:
    """A file system of its own at ``path``; skips where this machine does not let us mount."""
    words = ["mount", "-t", "tmpfs", "-o", f"size={size_mib}m", "tmpfs", str(path)]
    made = subprocess.run(words, capture_output=True, text=True, check=False)
    if made.returncode != 0:
        pytest.skip(f"no file system can be mounted here: {made.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(path)], check=True)


def fill(path: Path) -> Path:
    """Use up the file system at ``path``."""
    filler = path / "filler"
    with filler.open("wb", buffering=0) as handle, suppress(OSError):
        while handle.write(bytes(4096)):
            pass
    return filler


def test_a_full_disk_of_the_master_refuses_changes_and_nothing_else() -> None:
    with virtual_cluster(size=2) as cluster:
        cluster.make(NAME)
        place = data_dir(cluster, "node1")
        with small_disk(place, 16):
            cluster.init()
            cluster.add_nodes()
            before = state(cluster)
            filler = fill(place)
            for _ in range(2):
                said = reason(cluster.gnt("cluster", "add-tags", "full", code=FAILURE))
                assert "disk is full" in said
                assert "cluster.db" in said
            assert cluster.gnt("cluster", "list-tags").stdout == ""
            assert cluster.listed("node", "name") == [["node1"], ["node2"]]
            assert state(cluster) == before
            filler.unlink()
            check_works(cluster)
            cluster.stop_daemons()


def is_installing(cluster: Cluster) -> bool:
    return any("slow/create" in line for line in footprint(cluster).processes)


def test_a_disk_that_fills_while_an_instance_is_made() -> None:
    with virtual_cluster(size=2) as cluster:
        cluster.make(NAME)
        place = cluster.root(NODE) / "srv/ganeti/file-storage"
        # Each of two nodes on this machine owns half of what there is.
        with small_disk(place, 140):
            cluster.init()
            cluster.add_os(CHECKOUT / "tests/e2e/os/slow")
            cluster.add_nodes()
            before, known = state(cluster)
            job = cluster.gnt("instance", *add_words("-o", "slow", "--submit")).stderr.split()[-1]
            wait_for(lambda: is_installing(cluster), 60, "the OS script to run")
            filler = fill(place)
            said = cluster.gnt("job", "watch", job, code=FAILURE)
            assert "Traceback" not in said.stdout + said.stderr
            assert "no file system could be made" in said.stdout + said.stderr
            filler.unlink()
            # It ran, and so took a port and gave it back: the cluster's record is another one.
            assert state(cluster)[0] == before
            assert state(cluster)[1].keys() == known.keys()
            cluster.gnt("instance", *add_words())
            cluster.gnt("cluster", "verify")
            cluster.stop_daemons()
