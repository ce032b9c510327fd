"""What is refused: one clear line, the right exit code, nothing changed, and the cluster goes on.

Frame lines that Ganeti prints around the reason ("Failure: prerequisites not met ...", "error
type: ...") do not count.
"""

import json
import os
import random
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

import pytest

from tests.e2e.footprint import Footprint, config_data, data_dir, footprint, records
from tests.e2e.vcluster import NAME, Cluster, virtual_cluster, wait_for
from tools.machine import CHECKOUT

WEB, OTHER = "web1.example.com", "web2.example.com"
# A probe of KVM takes seconds, and more on a loaded machine.
SETTLED_S = 60
NODE = "node2"
FAILURE, CORRUPT_CONFIG, NOT_CLUSTER, NOT_MASTER, UNKNOWN_FIELD = 1, 2, 5, 11, 14
FRAMES = ("Failure: prerequisites not met", "Failure: command execution error", "error type: ")

State = tuple[Footprint, dict[tuple[str, str], bytes]]


def add_words(*changed: str, name: str = OTHER, disk: str = "size=64m") -> list[str]:
    """Options of an instance that could be created, with ``changed`` after them."""
    words = ["add", "-t", "file", "--disk", f"0:{disk}", "-o", "micro+default", "-n", NODE]
    words += ["-B", "memory=128m", "--ignore-ipolicy", "--no-nics", "--no-start"]
    return [*words, *changed, name]


def state(cluster: Cluster) -> State:
    """All that a refusal must not change: everything but the jobs themselves."""
    kept = {
        key: value for key, value in records(cluster).items() if key[0] in ("config", "journal")
    }
    return footprint(cluster), kept


def reason(done: subprocess.CompletedProcess[str]) -> str:
    """The one line on standard error that says why."""
    assert "Traceback" not in done.stdout + done.stderr
    (line,) = [line for line in done.stderr.splitlines() if not line.startswith(FRAMES)]
    return line


@pytest.fixture(scope="module")
def refusing() -> Iterator[Cluster]:
    """A cluster for tests that leave it as it was."""
    with virtual_cluster() as cluster:
        cluster.init()
        cluster.add_nodes()
        cluster.gnt("instance", *add_words(name=WEB))
        yield cluster
        cluster.gnt("cluster", "verify")
        cluster.gnt("instance", *add_words())


# What is asked, and what the reason must name.
REFUSED: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "name in use": (tuple(add_words(name=WEB)), (WEB, "already")),
    "disk too large": (
        tuple(add_words(disk="size=900t")),
        ("not enough space", NODE, "943718400 MiB"),
    ),
    "no such OS": (tuple(add_words("-o", "nothere")), (NODE, "'nothere'", "not found")),
    "no such variant": (tuple(add_words("-o", "micro+big")), ("variant 'big'", "default")),
    "no such node": (tuple(add_words("-n", "node9")), ("node9",)),
    "template not enabled": (tuple(add_words("-t", "sharedfile")), ("sharedfile", "enabled")),
    "size 10x": (tuple(add_words(disk="size=10x")), ("'10x'", "size", "10g")),
    "memory 10x": (tuple(add_words("-B", "memory=10x")), ("'10x'", "size")),
    "unknown be": (tuple(add_words("-B", "nope=1")), ("'nope'", "maxmem")),
    "unknown hv": (tuple(add_words("-H", "kvm:nope=1")), ("'nope'", "kernel_path")),
    "bad hv value": (tuple(add_words("-H", "kvm:acpi=perhaps")), ("acpi", "perhaps")),
    "unknown disk key": (tuple(add_words(disk="size=64m,nope=1")), ("'nope'", "disk")),
    "unknown OS parameter": (tuple(add_words("-O", "nope=1")), ("nope", "micro")),
    "no such instance": (("startup", "web9"), ("web9",)),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refuses_in_one_line_and_changes_nothing(refusing: Cluster, case: str) -> None:
    words, expected = REFUSED[case]
    before = state(refusing)
    done = refusing.gnt("instance", *words, code=None)
    said = reason(done) if done.returncode != 0 else done.stdout
    assert done.returncode == FAILURE, said
    for text in expected:
        assert text in said
    assert state(refusing) == before


# With NICs, which the options above exclude, and so with a start.
NICS = {
    "no such bridge": ("0:mode=bridged,link=nosuchbridge", (NODE, "nosuchbridge")),
    "unknown NIC key": ("0:nope=1", ("'nope'", "link")),
    "bad MAC": ("0:mac=12345", ("12345",)),
    "bad IP": ("0:ip=300.1.2.3", ("300.1.2.3",)),
}


@pytest.mark.parametrize("case", NICS)
def test_refuses_nics_in_one_line_and_changes_nothing(refusing: Cluster, case: str) -> None:
    nic, expected = NICS[case]
    before = state(refusing)
    words = [word for word in add_words() if word not in ("--no-nics", "--no-start")]
    said = reason(refusing.gnt("instance", *words[:-1], "--net", nic, words[-1], code=FAILURE))
    for text in expected:
        assert text in said
    assert state(refusing) == before


OPCODES = {
    "unknown parameter": (
        {"OP_ID": "OP_INSTANCE_STARTUP", "instance_name": WEB, "nope": 1},
        ("OP_INSTANCE_STARTUP", "'nope'", "startup_paused"),
    ),
    "wrong type": (
        {"OP_ID": "OP_INSTANCE_STARTUP", "instance_name": 5},
        ("'instance_name'", "5", "string"),
    ),
    "missing parameter": ({"OP_ID": "OP_INSTANCE_STARTUP"}, ("'instance_name'", "missing")),
    "unknown opcode": ({"OP_ID": "OP_NOPE"}, ("OP_NOPE",)),
}


@pytest.mark.parametrize("case", OPCODES)
def test_opcodes_are_checked_at_submission(refusing: Cluster, tmp_path: Path, case: str) -> None:
    opcode, expected = OPCODES[case]
    path = tmp_path / "job.json"
    path.write_text(json.dumps([opcode]))
    jobs = refusing.listed("job", "id")
    said = reason(refusing.gnt("debug", "submit-job", str(path), code=FAILURE))
    for text in expected:
        assert text in said
    assert refusing.listed("job", "id") == jobs


def test_unknown_fields_have_their_own_exit_code(refusing: Cluster) -> None:
    done = refusing.gnt("instance", "list", "-o", "name,nope", code=UNKNOWN_FIELD)
    assert "nope" in reason(done)


def test_commands_name_the_master_where_it_is_not(refusing: Cluster) -> None:
    for tool, word in (("instance", "list"), ("cluster", "info"), ("node", "list")):
        assert "'node1'" in reason(refusing.gnt(tool, word, node=NODE, code=NOT_MASTER))


def test_a_second_master_is_refused_and_the_first_goes_on(refusing: Cluster) -> None:
    done = refusing.run(NODE, "ganeti-masterd", "-f")
    assert done.returncode == NOT_MASTER
    assert reason(done) == "ganeti-masterd: this is node2, the master is node1"
    refusing.gnt("cluster", "add-tags", "still-here")
    refusing.gnt("cluster", "remove-tags", "still-here")


def test_a_machine_without_a_cluster_says_so(tmp_path: Path) -> None:
    with virtual_cluster(size=1) as cluster:
        cluster.make(NAME)
        said = reason(cluster.gnt("instance", "list", code=NOT_CLUSTER))
        assert "not part of a cluster" in said
        for daemon, code in (("ganeti-masterd", NOT_CLUSTER), ("ganeti-noded", FAILURE)):
            done = cluster.run("node1", daemon, "-f")
            assert (done.returncode, len(done.stderr.splitlines())) == (code, 1), done.stderr
        done = cluster.run("node1", "daemon-util", "start-all")
        assert done.returncode == FAILURE
        assert "belongs to no cluster" in reason(done)


@contextmanager
def stopped_by_signal(cluster: Cluster, daemon: str, node: str) -> Iterator[None]:
    pid = cluster.pid(daemon, node)
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@contextmanager
def stopped(cluster: Cluster, daemon: str, node: str) -> Iterator[None]:
    assert cluster.run(node, "daemon-util", "stop", daemon).returncode == 0
    try:
        yield
    finally:
        assert cluster.run(node, "daemon-util", "start", daemon).returncode == 0


@pytest.mark.parametrize("silence", [stopped, stopped_by_signal])
def test_a_node_that_does_not_answer(
    refusing: Cluster, silence: Callable[[Cluster, str, str], AbstractContextManager[None]]
) -> None:
    before = state(refusing)
    with silence(refusing, "ganeti-noded", NODE):
        said = reason(refusing.gnt("instance", *add_words(), code=FAILURE))
        assert said.startswith(f"node {NODE}")
        assert said.count(NODE) == 1
        assert "unknown" not in said
        listed = refusing.listed("instance", "name,status")
        assert listed == [[WEB, "ERROR_nodedown"]]
    # Woken up, it answers what it was asked meanwhile, and may look at its QEMU for that.
    wait_for(lambda: state(refusing) == before, SETTLED_S, "the node to be as before")
    assert refusing.listed("instance", "name,status") == [[WEB, "ADMIN_down"]]


# --- the state on disk


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


# --- full disks


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
