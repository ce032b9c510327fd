"""Ganeti's REST client library, from Debian's packages, in a process of its own.

calls as JSON -> GanetiRapiClient -> our ganeti-rapi -> answers as JSON
"""

import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from tests.e2e.ganeti_client import MODULES, PYTHON
from tests.e2e.vcluster import Cluster

USER: Final = "tester"
PASSWORD: Final = "f0r-tests"
_ENDED: Final = ("success", "error", "canceled")
_JOB_S: Final = 120
_SCRIPT: Final = """
import inspect, json, sys
import pycurl
from ganeti.rapi import client

def trust(curl, logger):
    curl.setopt(pycurl.SSL_VERIFYPEER, False)
    curl.setopt(pycurl.SSL_VERIFYHOST, 0)

host, user, password = sys.argv[1:]
made = client.GanetiRapiClient(host, username=user, password=password, curl_config_fn=trust)
methods = [name for name, _ in inspect.getmembers(made, inspect.ismethod) if name[0].isupper()]
print(json.dumps(methods), flush=True)
for line in sys.stdin:
    name, args, kwargs = json.loads(line)
    try:
        answer = ["ok", getattr(made, name)(*args, **kwargs)]
    except client.GanetiApiError as err:
        answer = [err.code, str(err)]
    except Exception as err:
        answer = [type(err).__name__, str(err)]
    print(json.dumps(answer), flush=True)
"""


class RapiClient:
    """The library. Any: answers are JSON.

    Attributes:
        methods: the names of what it can do.
        called: what was called so far.
    """

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self.called: set[str] = set()
        self.methods: list[str] = self._read()

    def _read(self) -> Any:
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())

    def call(self, method: str, *args: object, **kwargs: object) -> list[Any]:
        """``["ok", answer]``, or the status and text of the error."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([method, args, kwargs]) + "\n")
        self._process.stdin.flush()
        self.called.add(method)
        answer: list[Any] = self._read()
        return answer

    def get(self, method: str, *args: object, **kwargs: object) -> Any:
        """The answer; the call must succeed."""
        kind, answer = self.call(method, *args, **kwargs)
        assert kind == "ok", f"{method}{args}{kwargs}: {kind} {answer}"
        return answer

    def job(self, method: str, *args: object, **kwargs: object) -> dict[str, Any]:
        """The job that a call queued, once it has ended."""
        number = self.get(method, *args, **kwargs)
        assert isinstance(number, int), f"{method}: {number!r} is no job"
        until = time.monotonic() + _JOB_S
        while True:
            found: dict[str, Any] = self.get("GetJobStatus", number)
            if found["status"] in _ENDED:
                return found
            assert time.monotonic() < until, f"{method}: job {number} is {found['status']}"
            time.sleep(0.05)

    def done(self, method: str, *args: object, **kwargs: object) -> Any:
        """Results of the job that a call queued; it must succeed."""
        found = self.job(method, *args, **kwargs)
        assert found["status"] == "success", f"{method}{args}{kwargs}: {found['opresult']}"
        return found["opresult"]

    def refused(self, method: str, *args: object, **kwargs: object) -> str:
        """Why the job that a call queued was refused."""
        found = self.job(method, *args, **kwargs)
        assert found["status"] == "error", f"{method}{args}{kwargs}: {found['status']}"
        kind, (text, _code) = next(one for one in found["opresult"] if one)
        assert kind == "OpPrereqError", found["opresult"]
        return str(text)


@contextmanager
def rapi_client(cluster: Cluster, user: str = USER) -> Iterator[RapiClient]:
    """The library, as a user of the cluster; the password is the same for all."""
    paths = os.pathsep.join(str(place) for place in MODULES)
    argv = [PYTHON, "-B", "-c", _SCRIPT, cluster.address(cluster.master), user, PASSWORD]
    process = subprocess.Popen(
        [*cluster.argv("")[:-1], *argv],
        env={**cluster.environ(cluster.master), "PYTHONPATH": paths},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield RapiClient(process)
    finally:
        process.communicate()
