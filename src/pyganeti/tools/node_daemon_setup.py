"""``node-daemon-setup``: make a machine a node, as its master says on standard input.

    JSON -> checks (nothing changed) -> files -> ganeti-noded started

Run by ``gnt-node add`` on the new node, as root over ssh or locally for a virtual node:
``python -m pyganeti.tools.node_daemon_setup``. The input is an object:

    cluster_name   the cluster to join
    node_name      what the cluster calls this node
    files          content by name below the data directory, see _NAMES
    force          join even if the node looks like a member of another cluster
    start_daemon   whether to start ganeti-noded, and what else runs on every node
"""

import json
import os
import sys
from typing import Any, Final, NamedTuple, NoReturn

from pyganeti.kit.files import read_bytes, write_atomic
from pyganeti.kit.paths import Paths
from pyganeti.kit.resolver import own_hostname
from pyganeti.model.errors import GenericError
from pyganeti.tools import services
from pyganeti.tools.layout import FILES, SSCONF, FileKind, ensure_directories, owner
from pyganeti.tools.node_cleanup import backup_name, clean, stop_daemons
from pyganeti.tools.services import ServiceError

NODE_SETUP_ERROR: Final = 12
_DATA: Final = Paths().data_dir


# What may be written; anything else is refused.
_NAMES: Final = frozenset(
    {
        "ca.pem",
        "client.pem",
        "cluster-domain-secret",
        "hmac.key",
        "known_hosts",
        "rapi.pem",
        "server.pem",
        "spice-ca.pem",
        "spice.pem",
    }
)


class SetupRefused(GenericError):
    """The node cannot join; nothing was changed."""


class Request(NamedTuple):
    """What the master asks for."""

    cluster_name: str
    node_name: str
    files: dict[str, str]
    force: bool
    start_daemon: bool


def parse_request(text: str) -> Request:
    """Read and check the input.

    Raises:
        SetupRefused: not a request, or a file that may not be written.
    """
    try:
        data: dict[str, Any] = json.loads(text)
        files = data["files"]
        request = Request(
            data["cluster_name"],
            data["node_name"],
            files,
            bool(data.get("force")),
            bool(data.get("start_daemon", True)),
        )
        valid = all(isinstance(content, str) for content in files.values())
    except (ValueError, KeyError, TypeError, AttributeError) as err:
        raise SetupRefused(f"malformed request: {err!r}") from err
    if not valid:
        raise SetupRefused("malformed request: a file's content is not text")
    for name in files:
        if file_kind(name) is None:
            raise SetupRefused(f"file {name!r} may not be written")
    return request


def file_kind(name: str) -> FileKind | None:
    """Mode and roles of a file, or ``None`` if it may not be written."""
    key = name.removeprefix("ssconf_")
    if key != name and key.replace("_", "").replace("-", "").isalnum():
        return SSCONF
    return FILES[_DATA][name] if name in _NAMES else None


def check_membership(paths: Paths, request: Request) -> None:
    """Refuse a machine that is another node, or belongs to another cluster.

    Raises:
        SetupRefused: says which.
    """
    name = own_hostname(paths)
    if paths.is_virtual and name != request.node_name:
        raise SetupRefused(f"this is node {name!r}, not {request.node_name!r}")
    if not request.force and is_foreign(paths, request):
        cluster = _current_cluster(paths) or "(unknown)"
        which = "another cluster with the name" if cluster == request.cluster_name else "cluster"
        raise SetupRefused(
            f"node {request.node_name!r} already belongs to {which} {cluster!r}:"
            " run node-cleanup there first, or use --force-join"
        )


def is_foreign(paths: Paths, request: Request) -> bool:
    """Whether the machine is a node of a cluster that is not the one to join.

    Clusters are told apart by their authorities, since one of the same name may be made anew, and
    by their names only where one of these is missing.
    """
    if not os.path.exists(paths.server_pem):
        return False
    ours, theirs = request.files.get("ca.pem"), read_bytes(paths.ca_cert)
    if ours is not None and theirs is not None:
        return ours.encode() != theirs
    return _current_cluster(paths) != request.cluster_name


def _current_cluster(paths: Paths) -> str:
    try:
        with open(paths.ssconf("cluster_name"), encoding="utf-8") as handle:
            return handle.read().strip()
    except OSError:
        return ""


def write_files(paths: Paths, files: dict[str, str]) -> None:
    """Write the files with the modes and owners of the layout.

    Raises:
        OSError: the rest is not written.
    """
    owned = not paths.is_virtual and os.geteuid() == 0
    for name, content in sorted(files.items()):
        kind = file_kind(name) or SSCONF
        uid, gid = owner(kind.user, kind.group) if owned else (-1, -1)
        path = os.path.join(paths.data_dir, name)
        write_atomic(path, content.encode(), mode=kind.mode, uid=uid, gid=gid)


def join(paths: Paths, request: Request) -> None:
    """Make this machine a node; a machine that was free is free again if that fails.

    One that leaves another cluster for it (``force``) is cleaned first, which keeps a backup.

    Raises:
        SetupRefused: it belongs elsewhere; nothing was changed.
        ServiceError: the daemon does not start.
        OSError: a file cannot be written.
    """
    check_membership(paths, request)
    noded = services.find_service("ganeti-noded")
    assert noded is not None
    was_free = not os.path.exists(paths.server_pem)
    if is_foreign(paths, request):
        # Its epochs, database and daemons, a master's perhaps, would get in our cluster's way.
        stop_daemons(paths)
        clean(paths, backup_name(paths))
        was_free = True
    # A daemon with certificates of before would go on with them.
    services.stop(paths, noded)
    try:
        ensure_directories(paths)
        # Says whose node this is, should its joining be interrupted.
        own = {"ssconf_cluster_name": f"{request.cluster_name}\n"}
        write_files(paths, {**own, **request.files})
        if request.start_daemon:
            services.start(paths, noded, services.get_executable(noded), [])
            _start_others(paths)
    except (GenericError, OSError):
        if was_free:
            services.stop(paths, noded)
            clean(paths, None)
        raise


def _start_others(paths: Paths) -> None:
    """Start what else runs on every node; the watcher tries again what does not start."""
    for service in services.starting_services(master=False):
        try:
            services.start(paths, service, services.get_executable(service), [])
        except ServiceError as err:
            print(f"node-daemon-setup: {err}", file=sys.stderr)


def _fail(err: Exception) -> NoReturn:
    print(f"node-daemon-setup: {err}", file=sys.stderr)
    sys.exit(NODE_SETUP_ERROR)


def main() -> int:
    """Entry point."""
    try:
        join(Paths.from_env(), parse_request(sys.stdin.read()))
    except (GenericError, OSError, ValueError) as err:
        _fail(err)
    return 0


if __name__ == "__main__":
    sys.exit(main())
