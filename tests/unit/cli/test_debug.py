"""``gnt-debug``: what its commands send and say."""

import json
import socket
import threading
from pathlib import Path

import pytest

from .fake_master import FakeMaster, Job, query_answer, run


def test_osparams_sends_the_secrets_and_prints_the_log() -> None:
    master = FakeMaster(jobs=[Job(log=[("message", "arrived: a")])])
    ran = run("gnt-debug test-osparams --os-parameters-secret a=x,b=y=z", master)
    assert ran.code == 0
    assert master.ops[0]["osparams_secret"] == {"a": "x", "b": "y=z"}
    assert ran.out.endswith(" arrived: a\n")


def test_osparams_is_submitted_only() -> None:
    ran = run("gnt-debug test-osparams --submit --os-parameters-secret a=x", FakeMaster())
    assert (ran.out, ran.err) == ("", "JobID: 1\n")


@pytest.mark.parametrize("duration", ["x", "nan", "inf", ""])
def test_a_delay_is_a_number_of_seconds(duration: str) -> None:
    ran = run(["gnt-debug", "delay", duration], FakeMaster())
    assert ran.code == 1
    assert f"{duration!r} is not a number of seconds" in ran.err


def test_an_interruptible_delay() -> None:
    master = FakeMaster()
    assert run("gnt-debug delay -i -r 2 -l 5", master).code == 0
    (op,) = master.ops
    assert (op["interruptible"], op["repeat"], op["no_locks"]) == (True, 2, True)


# --- iallocator


def test_an_allocator_is_asked_about_what_the_options_say() -> None:
    master = FakeMaster(jobs=[Job(result='{"version": 2}')])
    words = "-m allocate --dir in --disks 1g,512m --nics aa:bb:cc:dd:ee:ff//br1,auto -t plain"
    more = "--memory 2g -p 3 --tags a,b -o noop web9"
    ran = run(f"gnt-debug iallocator {words} {more}", master)
    assert (ran.code, ran.out) == (0, '{"version": 2}\n')
    wanted = {
        "OP_ID": "OP_TEST_ALLOCATOR",
        "mode": "allocate",
        "direction": "in",
        "name": "web9",
        "disks": [{"size": 1024, "mode": "rw"}, {"size": 512, "mode": "rw"}],
        "nics": [{"mac": "aa:bb:cc:dd:ee:ff", "bridge": "br1"}, {"mac": "auto"}],
        "disk_template": "plain",
        "memory": 2048,
        "vcpus": 3,
        "tags": ["a", "b"],
        "os": "noop",
    }
    assert {key: master.ops[0][key] for key in wanted} == wanted


@pytest.mark.parametrize("words", ["--disks 1x", "--disks ,", "--nics a/b/c/d"])
def test_an_allocator_is_not_asked_nonsense(words: str) -> None:
    assert run(f"gnt-debug iallocator {words} web9", FakeMaster()).code == 1


# --- wconfd

LOCKS = query_answer(
    [("name", "Name", "other"), ("mode", "Mode", "other"), ("owner", "Owner", "other")],
    [
        ["cluster/BGL", "shared", ["1/TEST_DELAY(9)", "12/TEST_DELAY(9)"]],
        ["node/n1", "exclusive", ["12/TEST_DELAY(9)"]],
        ["node/n2", (3, None), (3, None)],
    ],
)


@pytest.mark.parametrize(
    ("call", "answer"),
    [
        ("listlocks 12", "Answer: [['cluster/BGL', 'shared'], ['node/n1', 'exclusive']]"),
        ("listlocks 1", "Answer: [['cluster/BGL', 'shared']]"),
        ("listlocks 2", "Answer: []"),
        ("listalllocks", "Answer: ['cluster/BGL', 'node/n1']"),
        (
            "listalllocksowners",
            "Answer: [['cluster/BGL', [['1/TEST_DELAY(9)', 'shared'],"
            " ['12/TEST_DELAY(9)', 'shared']]], ['node/n1', [['12/TEST_DELAY(9)', 'exclusive']]]]",
        ),
        ("cleanuplocks", "No stale locks: here a lock ends with its job"),
    ],
)
def test_wconfd_tells_of_locks(call: str, answer: str) -> None:
    ran = run(f"gnt-debug wconfd {call}", FakeMaster(answers={"Query": LOCKS}))
    assert (ran.code, ran.out) == (0, f"{answer}\n")


def test_wconfd_echo_comes_from_the_master() -> None:
    field = {"name": "there and back", "title": "x", "kind": "unknown", "doc": ""}
    master = FakeMaster(answers={"QueryFields": {"fields": [field]}})
    ran = run(["gnt-debug", "wconfd", "echo", "there and back"], master)
    assert (ran.code, ran.out) == (0, "Answer: there and back\n")
    assert master.of("QueryFields") == [["lock", ["there and back"]]]


def test_wconfd_flushes_the_configuration_in_a_job() -> None:
    master = FakeMaster()
    assert run("gnt-debug wconfd flushconfig", master).code == 0
    assert [op["OP_ID"] for op in master.ops] == ["OP_CLUSTER_REDIST_CONF"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("wconfd writeConfig", "'writeConfig' is not offered"),
        ("wconfd echo", "expected 'echo {text}'"),
        ("wconfd echo a b", "found 'echo a b'"),
        ("wconfd listlocks", "expected 'listlocks {job-id}'"),
        ("wconfd listlocks x", "'x' is not a job id"),
        ("wconfd listalllocks 1", "expected 'listalllocks'"),
        ("metad start", "no call 'start'"),
        ("metad echo", "one text, not 0"),
        ("metad echo a b", "one text, not 2"),
        ("metad", "at least 1 argument"),
    ],
)
def test_other_calls_are_refused(words: str, said: str) -> None:
    ran = run(f"gnt-debug {words}", FakeMaster())
    assert (ran.code, ran.out) == (1, "")
    assert said in ran.err


# --- metad


def test_metad_is_missed_clearly() -> None:
    ran = run("gnt-debug metad echo hello")
    assert (ran.code, ran.out) == (1, "")
    assert "no metadata daemon listens at /nowhere/node1/var/run/ganeti/socket" in ran.err


def test_metad_echoes(tmp_path: Path) -> None:
    root = tmp_path / "node1"
    place = root / "var/run/ganeti/socket/ganeti-metad"
    place.parent.mkdir(parents=True)
    asked: list[object] = []

    def serve(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection:
            request = json.loads(connection.recv(4096).rstrip(b"\3"))
            asked.append((request["method"], request["args"]))
            answer = {"success": True, "result": request["args"][0]}
            connection.sendall(json.dumps(answer).encode() + b"\3")

    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(place))
        listening.listen()
        daemon = threading.Thread(target=serve, args=(listening,))
        daemon.start()
        ran = run("gnt-debug metad echo hello", env={"GANETI_ROOTDIR": str(root)})
        daemon.join()
    assert (ran.code, ran.out) == (0, "Answer: hello\n")
    assert asked == [("echo", ["hello"])]
