"""What is refused: one line, the right exit code, nothing changed, and the cluster goes on."""

import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from tests.e2e.refusing import (
    FAILURE,
    NODE,
    NOT_CLUSTER,
    NOT_MASTER,
    UNKNOWN_FIELD,
    WEB,
    add_words,
    reason,
    state,
)
from tests.e2e.vcluster import NAME, Cluster, virtual_cluster, wait_for

# A probe of KVM takes seconds, and more on a loaded machine.
SETTLED_S = 60


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
