"""``ganeti-confd`` on real nodes: Ganeti's own client asks, copies follow, daemons come back."""

import json
import os
import subprocess
from typing import Any, Final

import pytest

from pyganeti.model.versions import CONFIG_VERSION
from pyganeti.wire.confd.message import Query
from tests.e2e.ganeti_client import MODULES, PYTHON
from tests.e2e.prepare import GANETI_PACKAGES
from tests.e2e.vcluster import MASTER, Cluster, wait_for

LOGS: Final = {
    "ganeti-confd": "conf-daemon",
    "ganeti-masterd": "master-daemon",
    "ganeti-noded": "node-daemon",
}
# Questions and addresses of candidates on standard input, a line with each answer back.
_CLIENT: Final = """
import json, sys
from ganeti import pathutils, utils
from ganeti.confd import client

found = []
def keep(reply):
    if reply.type == client.UPCALL_REPLY:
        found.append(reply.server_reply)

peers, questions = json.load(sys.stdin)
counting = client.ConfdCountingCallback(keep)
asking = client.ConfdClient(utils.ReadFile(pathutils.CONFD_HMAC_KEY), peers, counting)
for kind, argument in questions:
    del found[:]
    request = client.ConfdClientRequest(type=kind, query=argument)
    counting.RegisterQuery(request.rsalt)
    asking.SendRequest(request, async_=False, coverage=-1)
    timed_out, sent, received = asking.WaitForReply(request.rsalt)
    best = max(found, key=lambda reply: reply.serial)
    print(json.dumps([sent, received, best.status, best.answer, best.serial]))
"""


# Any: JSON.
def ask(cluster: Cluster, peers: list[str], *questions: tuple[int, Any]) -> list[list[Any]]:
    """Ganeti's client asks; numbers of those asked and answering, status, answer and serial."""
    paths = os.pathsep.join(str(place) for place in MODULES)
    said = subprocess.run(
        [*cluster.argv("")[:-1], PYTHON, "-B", "-c", _CLIENT],
        env={**cluster.environ(MASTER), "PYTHONPATH": paths},
        input=json.dumps([peers, questions]),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert said.returncode == 0, said.stderr
    return [json.loads(line) for line in said.stdout.splitlines()]


@pytest.mark.skipif(
    not (GANETI_PACKAGES / "done").exists(),
    reason="'make prepare' could not fetch Ganeti's client library",
)
def test_ganetis_client_is_answered(cluster: Cluster) -> None:
    cluster.init("--candidate-pool-size=2")
    cluster.add_nodes()
    words = ["--no-install", "--no-start", "-o", "none", "-t", "file", "-s", "1G"]
    words += ["-B", "memory=128M", "-n", "node2", "--net", "0:ip=198.51.100.7,mode=routed,link=rt"]
    cluster.gnt("instance", "add", *words, "inst1.example.com")
    ips = {row[0]: row[1] for row in cluster.listed("node", "name,pip")}
    first, second, third = (ips[node] for node in sorted(ips))
    instance = cluster.listed("instance", "uuid")[0][0]

    def answered() -> bool:
        (found,) = ask(cluster, [second], (Query.INSTANCES_IPS_LIST, "rt"))
        return found[2] == 0 and len(found[3]) == 1

    wait_for(answered, 30, "the candidate to have the instance")
    questions: list[tuple[int, Any]] = [
        (Query.PING, None),
        (Query.NODE_ROLE_BY_NAME, "node3"),
        (Query.NODE_PIP_BY_INSTANCE_IP, {"1": "198.51.100.7", "0": "rt"}),
        (Query.CLUSTER_MASTER, {"3": [0, 2]}),
        (Query.NODE_PIP_LIST, None),
        (Query.MC_PIP_LIST, None),
        (Query.INSTANCES_IPS_LIST, "rt"),
        (Query.NODE_DRBD, "node2"),
        (Query.INSTANCE_DISKS, instance),
        (Query.CONFIG_QUERY, f"/instances/{instance}/name"),
        (Query.DATA_COLLECTORS, None),
    ]
    found = ask(cluster, [first, second], *questions)
    # The one that its library does not let through.
    assert {kind for kind, _ in questions} == set(Query) - {Query.NODE_INSTANCES}
    assert {tuple(answer[:3]) for answer in found} == {(2, 2, 0)}
    answers = [answer[3] for answer in found]
    names = sorted(ips)
    assert answers[:8] == [
        CONFIG_VERSION,
        4,
        second,
        [names[0], first],
        [first, second, third],
        [first, second],
        ["198.51.100.7"],
        [],
    ]
    assert [disk["size"] for disk in answers[8]] == [1024]
    assert answers[9] == "inst1.example.com"
    assert answers[10]["drbd"] == {"active": True, "interval": 5000000}

    # A node that is no candidate answers nothing but that.
    ((_, received, status, said, serial),) = ask(cluster, [third], (Query.CLUSTER_MASTER, None))
    assert (received, status, serial) == (1, 1, 0)
    assert "no master candidate" in said


def test_it_runs_with_the_others_and_comes_back(cluster: Cluster) -> None:
    cluster.init()
    cluster.add_nodes()
    for node in cluster.nodes:
        assert cluster.run(node, "daemon-util", "check", "ganeti-confd").returncode == 0, node
    cluster.kill9("ganeti-confd", "node2")
    said = cluster.run("node2", "ganeti-watcher", "-d").stderr
    log = (cluster.root("node2") / "var/log/ganeti/watcher.log").read_text()
    assert "ganeti-confd does not run and is started" in said + log
    assert cluster.run("node2", "daemon-util", "check", "ganeti-confd").returncode == 0

    pid = cluster.pid("ganeti-confd", "node3")
    cluster.gnt("node", "remove", "node3")
    wait_for(lambda: pid not in cluster.processes(), 30, "the former node's daemon to end")
    cluster.run(MASTER, "daemon-util", "stop-all")
    assert cluster.run(MASTER, "daemon-util", "check", "ganeti-confd").returncode == 1


def test_every_daemon_goes_on_in_a_new_log_after_rotation(cluster: Cluster) -> None:
    cluster.init()
    place = cluster.root(MASTER) / "var/log/ganeti"
    for base in LOGS.values():
        (place / f"{base}.log").rename(place / f"{base}.log.1")
    assert cluster.run(MASTER, "daemon-util", "rotate-all-logs").returncode == 0
    for daemon, base in LOGS.items():
        new, old = place / f"{base}.log", place / f"{base}.log.1"
        wait_for(new.exists, 10, f"{daemon} to open its log anew")
        before = old.read_text()
        assert cluster.run(MASTER, "daemon-util", "stop", daemon).returncode == 0
        assert "ends with code 0" in new.read_text()
        assert old.read_text() == before
