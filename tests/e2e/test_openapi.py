"""What /2/openapi.json says is true: schemathesis asks a running cluster all of it."""

import json
import os
import subprocess
from collections.abc import Iterator
from typing import Final

import pytest

from tests.e2e.rapi_client import PASSWORD, USER
from tests.e2e.vcluster import BINDIR, Cluster, virtual_cluster, wait_for
from tools.machine import CHECKOUT

# Two are ours; its others want 405 where Ganeti answers 501, and that what is ignored be refused.
_CHECKS: Final = (
    "no_bug,answers_fit,status_code_conformance,content_type_conformance,"
    "response_headers_conformance"
)
_SECONDS: Final = 40


@pytest.fixture(scope="module")
def running() -> Iterator[Cluster]:
    """Three nodes, an instance, a network, a rule and a user."""
    with virtual_cluster() as cluster:
        cluster.make("cluster.example.com")
        cluster.add_os(CHECKOUT / "tests/golden/ganeti/os/toy")
        words = ["--no-ssh-init", "--no-etc-hosts", "--master-netdev=lo"]
        words += ["--enabled-hypervisors=fake", "--enabled-disk-templates=file,diskless"]
        bounds = "min:disk-size=0,cpu-count=1,disk-count=0,memory-size=1,nic-count=0,spindle-use=0"
        bounds += "/max:disk-size=9999,cpu-count=8,disk-count=9,memory-size=9999,nic-count=8,"
        words += [f"--ipolicy-bounds-specs={bounds}spindle-use=12", "cluster.example.com"]
        cluster.gnt("cluster", "init", *words)
        cluster.add_nodes()
        cluster.gnt("network", "add", "--network=198.51.100.0/28", "front")
        cluster.gnt("network", "connect", "-N", "mode=routed,link=100", "front", "default")
        words = ["-t", "diskless", "-o", "toy+plain", "--no-install", "--no-name-check"]
        words += [
            "--no-nics",
            "-B",
            "memory=64M",
            "-n",
            "node2",
        ]
        cluster.gnt("instance", "add", *words, "web1")
        rule = '--predicates=[["jobid",[">","id",1000000000]]]'
        cluster.gnt("filter", "add", rule, "--action=ACCEPT")
        users = cluster.root(cluster.master) / "var/lib/ganeti/rapi/users"
        users.parent.mkdir(exist_ok=True)
        users.write_text(f"{USER} {PASSWORD} write\n")
        wait_for(lambda: _answer(cluster, "/version") == "2\n", 30, "the users to be read")
        yield cluster


def _url(cluster: Cluster, path: str) -> str:
    return f"https://{cluster.address(cluster.master)}:5080{path}"


def _answer(cluster: Cluster, path: str) -> str:
    """What is at ``path``; empty if there is none."""
    curl = ["curl", "-s", "-k", "-f", "-u", f"{USER}:{PASSWORD}", _url(cluster, path)]
    wrapper = cluster.argv("")[:-1]
    done = subprocess.run([*wrapper, *curl], capture_output=True, text=True, check=False)
    return done.stdout


def test_schemathesis_finds_nothing(running: Cluster) -> None:
    environ = {
        **os.environ,
        "PYTHONPATH": str(CHECKOUT),
        "SCHEMATHESIS_HOOKS": "tests.e2e.schemathesis_hooks",
    }
    done = subprocess.run(
        [
            *running.argv("")[:-1], str(BINDIR / "schemathesis"), "run",
            _url(running, "/2/openapi.json"), f"--auth={USER}:{PASSWORD}", "--tls-verify=false",
            f"--checks={_CHECKS}", f"--max-time={_SECONDS}", "--phases=examples,fuzzing",
            # It has no end; test_streams.py has it.
            "--exclude-path=/2/events", "--request-timeout=15", "--continue-on-failure",
            "--no-color", "--warnings=off", "--workers=2", "--generation-database=:memory:",
        ],
        cwd=running.base,
        env=environ,
        capture_output=True,
        text=True,
        timeout=_SECONDS + 120,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, (done.stdout + done.stderr)[-20_000:]
    log = (running.root(running.master) / "var/log/ganeti/rapi-daemon.log").read_text()
    assert "Traceback" not in log
    assert "request failed" not in log


def test_the_page_needs_no_other_host(running: Cluster) -> None:
    page = _answer(running, "/2/docs")
    assert "<script>" in page
    assert "http://" not in page
    assert "https://" not in page
    assert json.loads(_answer(running, "/2/openapi.json"))["openapi"] == "3.1.0"
