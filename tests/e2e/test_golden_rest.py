"""Our REST daemon answers every GET as Ganeti's did on the same cluster.

``tests/golden/rapi/answers.json``: lists in bulk and not, single objects, queries, and the rest.
"""

import json
import subprocess
import sys
from typing import Any, Final

from tests.e2e.ganeti_cluster import MASTER
from tests.e2e.vcluster import Cluster, wait_for
from tools.machine import CHECKOUT

# Any, here and below: JSON.
ANSWERS: Final[dict[str, Any]] = json.loads(
    (CHECKOUT / "tests" / "golden" / "rapi" / "answers.json").read_text("utf-8")
)
USER: Final = ("ann", "pw1")
_ASK: Final = f"""
import http.client, json, ssl, sys
from base64 import b64encode
context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
service = http.client.HTTPSConnection(sys.argv[1], 5080, context=context, timeout=60)
headers = {{"Authorization": "Basic " + b64encode(b"{":".join(USER)}").decode()}}
found = {{}}
for path in json.load(sys.stdin):
    service.request("GET", path, headers=headers)
    answer = service.getresponse()
    body = answer.read()
    found[path] = json.loads(body) if answer.status == 200 else [answer.status, body.decode()]
json.dump(found, sys.stdout)
"""
# Fields whose values are the machine's, the version's or the moment's.
MOMENTARY: Final = frozenset(
    {
        "dfree", "mnode", "mfree", "cnos", "software_version", "protocol_version",
        "config_version", "vcs_version", "doc", "received_ts", "start_ts", "end_ts", "reason",
    }
)  # fmt: skip
# What ours have beside Ganeti 3.0.2's: of version 3.1, and of our own.
MORE: Final = frozenset({"custom_osparams", "hv/boot_type", "hv/tpm", "progress"})
# See docs/differences.md: in the order of our lists, and an opcode's parameter that nobody gave.
_SORTED: Final = ("/2/instances", "/2/filters", "/2/filters?bulk=1")
_UNGIVEN: Final = "debug_level"


def ask(cluster: Cluster, paths: list[str]) -> dict[str, Any]:
    """Our answers, by path."""
    done = subprocess.run(
        [*cluster.argv("")[:-1], sys.executable, "-c", _ASK, ANSWERS[f"/2/nodes/{MASTER}"]["pip"]],
        input=json.dumps(paths),
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def plain(value: Any) -> Any:
    """``value`` without what may differ."""
    if isinstance(value, dict):
        return {
            key: plain(inner)
            for key, inner in value.items()
            if key not in MOMENTARY | MORE and not (key == _UNGIVEN and not inner)
        }
    if isinstance(value, list):
        kept = [one for one in value if not (isinstance(one, dict) and one.get("name") in MORE)]
        return [plain(one) for one in kept]
    return value


def same_form(path: str, value: Any) -> Any:
    """An answer without what may differ, its unordered lists in one order."""
    found = plain(value)
    if path.startswith("/2/query/filter?"):
        found["data"].sort(key=json.dumps)
    for network in found if isinstance(found, list) else [found]:
        if isinstance(network, dict) and "inst_list" in network:
            network["inst_list"].sort()
    return (
        sorted(found, key=lambda one: json.dumps(one, sort_keys=True)) if path in _SORTED else found
    )


def test_every_get_is_answered_as_ganetis(golden_cluster: Cluster) -> None:
    users = golden_cluster.root(MASTER) / "var/lib/ganeti/rapi/users"
    users.parent.mkdir(exist_ok=True)
    users.write_text(f"{' '.join(USER)} write\n")
    console = "/2/instances/inst1.example.com/console"
    wait_for(
        lambda: ask(golden_cluster, [console])[console] == ANSWERS[console], 30, "users to be read"
    )
    ours = ask(golden_cluster, list(ANSWERS))
    wrong = {
        path: (same_form(path, theirs), same_form(path, ours[path]))
        for path, theirs in ANSWERS.items()
        if same_form(path, theirs) != same_form(path, ours[path])
    }
    assert not wrong
