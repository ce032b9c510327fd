"""Disks that QEMU reaches by itself: URIs of storage providers as nodes of its block layer. Pure.

A URI is read here and not by QEMU, which would also take options with it, and guess the format of
what it finds. Source: qemu(1), qemu-storage-daemon-qmp-ref(7), ``BlockdevOptions``.
"""

import os
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from pyganeti.model.errors import HypervisorError

# Any: JSON.
Node = dict[str, Any]

_ISCSI_PORT: Final = 3260
_NBD_PORT: Final = 10809
_GLUSTER_PORT: Final = 24007


class _Unreadable(Exception):
    """The text says what is wrong with a URI."""


def uri_node(uri: str) -> Node:
    """What ``uri`` names, as the driver and its options.

    Raises:
        HypervisorError: it is of a kind that is not known, or cannot be read.
    """
    scheme = uri.partition(":")[0].partition("+")[0]
    read = _KINDS.get(scheme)
    try:
        if read is None:
            raise _Unreadable(f"expected one of {', '.join(sorted(_KINDS))}")
        return read(uri)
    except (_Unreadable, ValueError) as err:
        raise HypervisorError(f"a disk cannot be reached at {uri[:200]!r}: {err}") from err


def _file(uri: str) -> Node:
    path = uri.removeprefix("file:")
    path = unquote(path.removeprefix("//")) if path.startswith("//") else path
    if not os.path.isabs(path):
        raise _Unreadable("the path is not absolute")
    return {"driver": "file", "filename": path}


def _nbd(uri: str) -> Node:
    """``nbd:unix:PATH:exportname=NAME``, ``nbd:HOST:PORT...``, ``nbd[+unix]://...``."""
    if "://" not in uri:
        place, _, export = uri.removeprefix("nbd:").partition(":exportname=")
        kind, _, rest = place.partition(":")
        server = _unix(rest) if kind == "unix" else _inet(kind, int(rest or _NBD_PORT))
        return {"driver": "nbd", "server": server, "export": export}
    parts = urlsplit(uri)
    export = unquote(parts.path.removeprefix("/"))
    if parts.scheme == "nbd+unix":
        server = _unix(unquote(_only(parts.query, "socket")))
    else:
        server = _inet(parts.hostname or "", parts.port or _NBD_PORT)
    return {"driver": "nbd", "server": server, "export": export}


def _rbd(uri: str) -> Node:
    """``rbd:POOL/IMAGE[@SNAPSHOT][:conf=FILE][:id=USER]``."""
    place, *options = uri.removeprefix("rbd:").split(":")
    pool, _, rest = place.partition("/")
    image, _, snapshot = rest.partition("@")
    if not pool or not image:
        raise _Unreadable("expected rbd:POOL/IMAGE")
    found = {"driver": "rbd", "pool": pool, "image": image}
    if snapshot:
        found["snapshot"] = snapshot
    for option in options:
        name, _, value = option.partition("=")
        if name not in _RBD_OPTIONS:
            raise _Unreadable(f"option {name!r} is not known")
        found[_RBD_OPTIONS[name]] = value
    return found


_RBD_OPTIONS: Final = {"conf": "conf", "id": "user"}


def _gluster(uri: str) -> Node:
    """``gluster[+tcp|+unix]://HOST[:PORT]/VOLUME/PATH``."""
    parts = urlsplit(uri)
    volume, _, path = unquote(parts.path.removeprefix("/")).partition("/")
    if not volume or not path:
        raise _Unreadable("expected gluster://HOST/VOLUME/PATH")
    if parts.scheme == "gluster+unix":
        server = _unix(unquote(_only(parts.query, "socket")))
    else:
        server = _inet(parts.hostname or "", parts.port or _GLUSTER_PORT)
    return {"driver": "gluster", "volume": volume, "path": path, "server": [server]}


def _iscsi(uri: str) -> Node:
    """``iscsi://HOST[:PORT]/TARGET/LUN``; secrets would stand in the command line."""
    parts = urlsplit(uri)
    target, _, lun = unquote(parts.path.removeprefix("/")).rpartition("/")
    if parts.username or not parts.hostname or not target:
        raise _Unreadable("expected iscsi://HOST[:PORT]/TARGET/LUN")
    portal = f"{parts.hostname}:{parts.port or _ISCSI_PORT}"
    return {
        "driver": "iscsi",
        "transport": "tcp",
        "portal": portal,
        "target": target,
        "lun": int(lun),
    }


def _inet(host: str, port: int) -> Node:
    if not host:
        raise _Unreadable("it names no host")
    return {"type": "inet", "host": host, "port": str(port)}


def _unix(path: str) -> Node:
    if not os.path.isabs(path):
        raise _Unreadable("it names no socket")
    return {"type": "unix", "path": path}


def _only(query: str, name: str) -> str:
    found, _, value = query.partition("=")
    if found != name or "&" in value:
        raise _Unreadable(f"expected ?{name}=...")
    return value


_KINDS: Final[dict[str, Callable[[str], Node]]] = {
    "file": _file,
    "gluster": _gluster,
    "iscsi": _iscsi,
    "nbd": _nbd,
    "rbd": _rbd,
}
