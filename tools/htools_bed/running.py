"""Clusters that run, made up: what a master daemon or a REST daemon would say of them.

    Answered (lists of fields, or of objects) -> stand-in for the daemon -> a tool asks it

``hscan`` saves what it read, which is what Ganeti's and ours are compared by.
"""

import json
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

from pyganeti.htools.answers import INSTANCE_FIELDS, NODE_FIELDS
from pyganeti.kit import tls

NAME: Final = "running"
"""Of the set of answers."""
# Any, here and below: JSON.
Data = dict[str, Any]
"""By ``group``, ``node``, ``instance`` their rows or objects; ``info``; a REST status by kind."""

UNKNOWN, NODATA, UNAVAIL, OFFLINE = ([status, None] for status in range(1, 5))
_END: Final = b"\x03"
_SPEC: Final = {
    "memory-size": 128, "cpu-count": 1, "disk-size": 1024, "disk-count": 1, "nic-count": 1,
    "spindle-use": 1,
}  # fmt: skip
POLICY: Final = {
    "minmax": [{"min": _SPEC, "max": {**_SPEC, "memory-size": 32768, "cpu-count": 8}}],
    "std": _SPEC,
    "spindle-ratio": 32,
    "vcpu-ratio": 4,
    "disk-templates": ["drbd", "plain"],
}
_INFO: Final = {
    "tags": ["htools:iextags:service"], "ipolicy": POLICY, "master": "n1.x.com", "name": "c.x.com",
    "default_hypervisor": "kvm",
}  # fmt: skip
_GROUP: Final = {
    "uuid": "g1-uuid", "name": "default", "alloc_policy": "preferred", "ipolicy": POLICY,
    "tags": [],
}  # fmt: skip
_NODE: Final[tuple[Any, ...]] = (
    "n", 8000, 500, 7000, 100000, 90000, 8, 1, False, False, True, 1, "g1-uuid", [], False, 0, 0,
    1.0,
)  # fmt: skip
_INSTANCE: Final[tuple[Any, ...]] = (
    "i", 1024, 512, 2, "running", "n1.x.com", ["n2.x.com"], [], True, "drbd", 1, [1024], [None],
    False,
)  # fmt: skip


def _node(name: str = "n2.x.com", /, **more: Any) -> Data:
    renamed = {key.replace("ndp_", "ndp/").replace("group_", "group."): more[key] for key in more}
    return {**dict(zip(NODE_FIELDS, _NODE, strict=True)), "name": name, **renamed}


def _instance(name: str = "i1.x.com", /, **more: Any) -> Data:
    renamed = {key.replace("be_", "be/").replace("disk_s", "disk.s"): more[key] for key in more}
    return {**dict(zip(INSTANCE_FIELDS, _INSTANCE, strict=True)), "name": name, **renamed}


def _cluster(
    *second: Data,
    instances: list[Data] | None = None,
    groups: list[Data] | None = None,
    **info: Any,
) -> Data:
    """Two nodes and an instance, with what is given in place of the usual."""
    return {
        "group": groups or [_GROUP],
        "node": [_node("n1.x.com"), *(second or (_node(),))],
        "instance": [_instance()] if instances is None else instances,
        "info": {**_INFO, **info},
    }


_GONE: Final = dict.fromkeys(
    ("mtotal", "mnode", "mfree", "dtotal", "dfree", "ctotal", "cnos", "sptotal", "spfree"), OFFLINE
)
_SPINDLES: Final = {"ndp_spindle_count": 5, "sptotal": 10, "spfree": 4}
CLUSTERS: Final[Mapping[str, Data]] = {
    "usual": _cluster(),
    "xen": _cluster(default_hypervisor="xen-pvm"),
    "no data on memory": _cluster(_node(mtotal=NODATA, mnode=NODATA, mfree=NODATA)),
    "no data on free memory": _cluster(_node(mfree=NODATA)),
    "no data on processors": _cluster(_node(ctotal=NODATA, cnos=NODATA)),
    "no data on the node's processors": _cluster(_node(cnos=NODATA)),
    "no disk": _cluster(_node(dtotal=UNAVAIL, dfree=UNAVAIL)),
    "no data on disk": _cluster(_node(dtotal=NODATA, dfree=NODATA)),
    "unknown field": _cluster(_node(mtotal=UNKNOWN)),
    "field of an offline node": _cluster(_node(mtotal=OFFLINE)),
    "drained": _cluster(_node(drained=True, ndp_exclusive_storage=True, **_SPINDLES)),
    "offline": _cluster(_node(offline=True, **_GONE)),
    "offline with figures": _cluster(
        _node(offline=True, tags=["a"], ndp_cpu_speed=1.5, ndp_exclusive_storage=True, **_SPINDLES)
    ),
    "not for guests": _cluster(_node(vm_capable=False, mtotal=NODATA, sptotal=NODATA)),
    "exclusive storage": _cluster(
        _node(ndp_exclusive_storage=True, **_SPINDLES),
        instances=[_instance(disk_sizes=[500, 524], disk_spindles=[2, 3])],
    ),
    "exclusive storage without spindles": _cluster(
        _node(ndp_exclusive_storage=True, sptotal=NODATA, spfree=NODATA)
    ),
    "spindles of some disks": _cluster(
        instances=[_instance(disk_sizes=[500, 524], disk_spindles=[None, 3])]
    ),
    "spindles for nothing": _cluster(_node(**_SPINDLES)),
    "speed and tags": _cluster(_node(ndp_cpu_speed=1.5, tags=["b", "a"])),
    "parts of MiB": _cluster(_node(mtotal=8000.5, mfree=7000.5)),
    "negative": _cluster(_node(mfree=-5)),
    "text for a number": _cluster(_node(mtotal="8000")),
    "null for a number": _cluster(_node(mtotal=None)),
    "null for a flag": _cluster(_node(offline=None)),
    "no mirror": _cluster(instances=[_instance(snodes=[], disk_template="plain")]),
    "no disks": _cluster(
        instances=[_instance(snodes=[], disk_template="diskless", disk_sizes=[], disk_spindles=[])]
    ),
    "two secondaries": _cluster(instances=[_instance(snodes=["n2.x.com", "n1.x.com"])]),
    "down": _cluster(instances=[_instance(status="ADMIN_down")]),
    "announced": _cluster(instances=[_instance(forthcoming=True)]),
    "own settings": _cluster(
        instances=[_instance(be_auto_balance=False, be_spindle_use=3, tags=["t2", "t1"])]
    ),
    "unknown node": _cluster(instances=[_instance(pnode="n9.x.com")]),
    "unknown secondary": _cluster(instances=[_instance(snodes=["n9.x.com"])]),
    "unknown group": _cluster(_node(group_uuid="zz")),
    "unknown status": _cluster(instances=[_instance(status="sleeping")]),
    "unknown template": _cluster(instances=[_instance(disk_template="mixed")]),
    "unavailable parameter": _cluster(instances=[_instance(be_memory=UNAVAIL)]),
    "no instances": _cluster(instances=[]),
    "other master": _cluster(master="n2.x.com"),
    "unknown master": _cluster(master="n9.x.com"),
    "drained master": _cluster(_node(drained=True), master="n2.x.com"),
    "groups": _cluster(
        groups=[
            _GROUP,
            {
                **_GROUP,
                "uuid": "g2-uuid",
                "name": "g2",
                "alloc_policy": "unallocable",
                "tags": ["x"],
            },
        ]
    ),
    "unknown allocation policy": _cluster(groups=[{**_GROUP, "alloc_policy": "liked"}]),
    "policy that is none": _cluster(groups=[{**_GROUP, "ipolicy": {}}]),
    "no policy": _cluster(ipolicy=None),
}


@contextmanager
def master(data: Data, path: Path) -> Iterator[str]:
    """A master daemon's socket at ``path`` that answers queries on ``data``."""

    def answer(message: bytes) -> object:
        asked = json.loads(message)
        if asked["method"] != "Query":
            return {"success": True, "result": data["info"]}
        kind, fields, _ = asked["args"]
        told = [{"name": name, "title": name, "kind": "other", "doc": "A"} for name in fields]
        rows = [[_cell(item[name]) for name in fields] for item in data[kind]]
        return {"success": True, "result": {"fields": told, "data": rows}}

    def talk(caller: socket.socket) -> None:
        buffer = b""
        with caller:
            while more := caller.recv(65536):
                *messages, buffer = (buffer + more).split(_END)
                for message in messages:
                    caller.sendall(json.dumps(answer(message)).encode() + _END)

    def serve(listener: socket.socket) -> None:
        while True:
            try:
                caller, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=talk, args=(caller,), daemon=True).start()

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        threading.Thread(target=serve, args=(listener,), daemon=True).start()
        try:
            yield str(path)
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            path.unlink()


def _cell(value: Any) -> list[Any]:
    if value in (UNKNOWN, NODATA, UNAVAIL, OFFLINE):
        found: list[Any] = value
        return found
    return [0, value]


def as_rest(data: Data) -> Data:
    """The same as a REST daemon says it: parameters in objects, ``null`` for what is not known."""
    lists = {kind: [_nested(item) for item in data[kind]] for kind in ("group", "node", "instance")}
    for instance in lists["instance"]:
        # What its guest has at the moment.
        instance["oper_ram"] = 555 if instance["status"] == "running" else None
    return {**lists, "info": deepcopy(data["info"])}


def _nested(item: Data) -> Data:
    made: Data = {}
    for name, value in item.items():
        known = None if _cell(value)[0] else value
        prefix, slash, rest = name.partition("/")
        if slash:
            made.setdefault({"be": "beparams", "ndp": "ndparams"}[prefix], {})[rest] = known
        else:
            made[name] = known
    return made


def certificate(where: Path) -> Path:
    """A certificate that a cluster signed itself, with its key, as a file in ``where``."""
    now = datetime.now(UTC).timestamp()
    path = where / "rapi.pem"
    path.write_bytes(
        tls.issue_node_certificate(tls.make_ca("c.x.com", now), "n1.x.com", "n1-uuid", now)
    )
    return path


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "_Server"

    def do_GET(self) -> None:
        """Answer a list, the information, or the status that stands for it."""
        kind = self.path.partition("?")[0].rpartition("/")[2].removesuffix("s")
        self.server.heard.append(self.headers.get("Authorization", ""))
        found = self.server.data.get(kind, 404)
        status = found if isinstance(found, int) else 200
        body = found if isinstance(found, bytes) else json.dumps(found).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Keep quiet."""


class _Server(ThreadingHTTPServer):
    def __init__(self, data: Data) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.data = data
        self.heard: list[str] = []


@contextmanager
def rest(data: Data, certificate: Path) -> Iterator[tuple[str, list[str]]]:
    """A REST daemon's host and port, and the ``Authorization`` headers that it heard.

    Args:
        data: what it says; a number in place of a list is an HTTP status, bytes are a body.
        certificate: and key, as PEM.
    """
    server = _Server(data)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}", server.heard
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
