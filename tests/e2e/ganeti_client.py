"""Ganeti's own client library and programs, unpacked from Debian's packages and run by themselves.

    calls as JSON -> Ganeti's luxi.Client in a process of its own -> answers as JSON

Of Ganeti only what its modules offer is used: ``luxi.Client``, opcodes, entry points of programs.
"""

import json
import os
import subprocess
from collections.abc import Iterable, Sequence
from typing import Any, Final

from pyganeti.model.versions import LUXI_VERSION
from tests.e2e.ganeti_cluster import MASTER
from tests.e2e.prepare import GANETI_PACKAGES
from tests.e2e.vcluster import Cluster

# Compiled modules among the packages are for the distribution's own Python.
PYTHON: Final = "/usr/bin/python3"
MODULES: Final = (
    GANETI_PACKAGES / "root" / "usr/share/ganeti/3.0",
    GANETI_PACKAGES / "root" / "usr/lib/python3/dist-packages",
)
# The library is 3.0's, and 3.1 differs from it in this number: it refuses a master of another.
_VERSION: Final = f"""
import importlib, json, sys
from ganeti import constants
constants.LUXI_VERSION = {LUXI_VERSION}
"""
_CALLS: Final = """
from ganeti import luxi, opcodes, pathutils

def value(arg):
    if isinstance(arg, dict) and "OP_ID" in arg:
        return opcodes.OpCode.LoadOpCode(arg)
    return [value(item) for item in arg] if isinstance(arg, list) else arg

sockets = {"query": pathutils.QUERY_SOCKET, "master": pathutils.MASTER_SOCKET}
clients = {name: luxi.Client(address=path) for name, path in sockets.items()}
for line in sys.stdin:
    socket, method, args = json.loads(line)
    try:
        answer = ["ok", getattr(clients[socket], method)(*value(args))]
    except Exception as err:
        answer = [type(err).__name__, [str(arg) for arg in err.args]]
    print(json.dumps(answer, default=lambda made: made.ToDict()), flush=True)
"""
_PROGRAM: Final = """
program = importlib.import_module("ganeti.client." + sys.argv[1].replace("-", "_"))
sys.argv = sys.argv[1:]
sys.exit(program.Main())
"""


def _argv(cluster: Cluster, script: str, words: Iterable[str] = ()) -> list[str]:
    wrapper = cluster.argv("")[:-1]
    return [*wrapper, PYTHON, "-B", "-c", _VERSION + script, *words]


def _environ(cluster: Cluster) -> dict[str, str]:
    paths = os.pathsep.join(str(place) for place in MODULES)
    return {**cluster.environ(MASTER), "PYTHONPATH": paths}


def run_program(cluster: Cluster, words: Sequence[str]) -> "subprocess.CompletedProcess[str]":
    """Run one of Ganeti's programs as the master node of our cluster."""
    return subprocess.run(
        _argv(cluster, _PROGRAM, words),
        env=_environ(cluster),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


class GanetiClient:
    """Ganeti's ``luxi.Client``, on both sockets of our master. Use as a context manager."""

    def __init__(self, cluster: Cluster) -> None:
        self._process = subprocess.Popen(
            _argv(cluster, _CALLS),
            env=_environ(cluster),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> "GanetiClient":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    # Any: the answers are JSON.
    def call(self, method: str, *args: object, socket: str = "query") -> list[Any]:
        """``["ok", answer]``, or the class of the error that was raised and its arguments."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([socket, method, args]) + "\n")
        self._process.stdin.flush()
        answer: list[Any] = json.loads(self._process.stdout.readline())
        return answer

    def get(self, method: str, *args: object, socket: str = "query") -> Any:
        """The answer; the call must succeed."""
        kind, answer = self.call(method, *args, socket=socket)
        assert kind == "ok", f"{method}{args}: {kind} {answer}"
        return answer
