"""``vcluster-setup``: the directories of a virtual cluster, many nodes on one machine.

    directory -> node1/ node2/ ... each with its layout, hosts file and ``cmd``; start-all, stop-all

Nodes get loopback addresses, names resolve through a hosts file below each root, and nothing
outside the directory is touched; so, other than upstream's, it needs no network device and no
``/etc/hosts``, and the options for these do nothing. Run again, it adds nodes and keeps what is
there.

Source: the options that Ganeti's tool of this name prints.
"""

import argparse
import os
import shlex
import sys
from typing import Final

from pyganeti.kit.files import write_atomic
from pyganeti.kit.paths import Paths
from pyganeti.tools.layout import ensure_directories

DEFAULT_PREFIX: Final = "127.77.0"
_CLUSTER_HOST: Final = 254
# Instances' addresses begin here; nodes count from 1.
_FIRST_INSTANCE: Final = 101
# Of nodes and of instances: their addresses must not meet.
_MOST: Final = 100
_FILE_STORAGE: Final = ("/srv/ganeti/file-storage", "/srv/ganeti/shared-file-storage")
_SCRIPT: Final = """\
#!/bin/sh
# Runs a command as virtual node {node}: ./cmd gnt-cluster info
GANETI_ROOTDIR={root}
GANETI_HOSTNAME={node}
PATH={path}:"$PATH"
export GANETI_ROOTDIR GANETI_HOSTNAME PATH
exec "${{@:-/bin/sh}}"
"""
_ALL: Final = """\
#!/bin/sh
# {verb} the daemons of all nodes; fails if one fails.
base={base}
code=0
for node in {order}; do
  if [ -e "$base/$node/var/lib/ganeti/server.pem" ]; then
    "$base/$node/cmd" daemon-util {action} || code=1
  fi
done
exit $code
"""


def hosts(prefix: str, nodes: int, instances: int, cluster: str) -> str:
    """The hosts file: nodes, the cluster, instances."""
    lines = [f"{prefix}.{number} node{number}" for number in range(1, nodes + 1)]
    lines.append(f"{prefix}.{_CLUSTER_HOST} {cluster}")
    for number in range(1, instances + 1):
        lines.append(f"{prefix}.{_FIRST_INSTANCE + number - 1} instance{number}")
    return "\n".join(["127.0.0.1 localhost", *lines]) + "\n"


def command_script(node: str, root: str) -> str:
    """The script that runs a command as ``node``."""
    path = shlex.quote(os.path.dirname(sys.executable))
    return _SCRIPT.format(node=shlex.quote(node), root=shlex.quote(root), path=path)


def all_script(base: str, verb: str, action: str, order: list[str]) -> str:
    """The script that starts or stops all daemons."""
    return _ALL.format(verb=verb, action=action, base=shlex.quote(base), order=" ".join(order))


def make_node(base: str, node: str, hosts_text: str, share: int) -> None:
    """Make the root directory of one node, or complete it.

    Raises:
        ValueError: the directory's name is too long for sockets in it.
        OSError: it cannot be written.
    """
    root = os.path.join(base, node)
    paths = Paths.from_env({"GANETI_ROOTDIR": root, "GANETI_HOSTNAME": node})
    ensure_directories(paths)
    for place in _FILE_STORAGE:
        os.makedirs(root + place, exist_ok=True)
    allowed = "".join(f"{root}{place}\n" for place in _FILE_STORAGE)
    if not os.path.exists(paths.file_storage_paths):
        write_atomic(paths.file_storage_paths, allowed.encode(), mode=0o644)
    # How many nodes share this machine: each reports its part of memory and disk.
    write_atomic(f"{paths.conf_dir}/node-share", f"{share}\n".encode(), mode=0o644)
    write_atomic(paths.etc_hosts, hosts_text.encode(), mode=0o644)
    write_atomic(f"{root}/cmd", command_script(node, root).encode(), mode=0o755)


def make_cluster(base: str, prefix: str, nodes: int, instances: int, cluster: str) -> None:
    """Make all nodes and the scripts beside them.

    Raises:
        ValueError: as :func:`make_node`.
        OSError: as :func:`make_node`.
    """
    names = [f"node{number}" for number in range(1, nodes + 1)]
    os.makedirs(base, exist_ok=True)
    for name in names:
        make_node(base, name, hosts(prefix, nodes, instances, cluster), nodes)
    # The master is usually the first: it is started last, when the others can answer its vote.
    start = all_script(base, "Starts", "start-all", [*names[1:], names[0]])
    write_atomic(f"{base}/start-all", start.encode(), mode=0o755)
    stop = all_script(base, "Stops", "stop-all", names)
    write_atomic(f"{base}/stop-all", stop.encode(), mode=0o755)


def _prefix(text: str) -> str:
    parts = text.split(".")
    if len(parts) != 3 or not all(part.isdecimal() and int(part) < 256 for part in parts):
        raise argparse.ArgumentTypeError(f"{text!r} is not three numbers such as {DEFAULT_PREFIX}")
    if parts[0] != "127":
        raise argparse.ArgumentTypeError(f"{text!r} is not a loopback network: begin with 127")
    return text


def _count(text: str) -> int:
    value = int(text)
    if not 1 <= value <= _MOST:
        raise argparse.ArgumentTypeError(f"{text} is not between 1 and {_MOST}")
    return value


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="vcluster-setup", description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("-c", dest="nodes", type=_count, default=5, metavar="NUMBER", help="nodes (5)")
    add("-i", dest="instances", type=_count, default=10, metavar="NUMBER",
        help="names for instances (10)")  # fmt: skip
    add("-p", dest="prefix", type=_prefix, default=DEFAULT_PREFIX, metavar="PREFIX",
        help=f"first three bytes of the addresses ({DEFAULT_PREFIX})")  # fmt: skip
    add("--cluster-name", default="cluster", help="the cluster's name in the hosts files")
    add("-n", dest="netdev", metavar="NETDEV", help="no effect: addresses are on loopback")
    add("-I", dest="init", metavar="PATH", help="no effect: daemon-util starts the daemons")
    add("-E", action="store_true", help="no effect: /etc/hosts is never changed")
    add("-N", action="store_true", help="no effect: networking is never changed")
    add("directory")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Entry point."""
    options = _arguments(argv)
    base = os.path.abspath(options.directory)
    try:
        make_cluster(base, options.prefix, options.nodes, options.instances, options.cluster_name)
    except (OSError, ValueError) as err:
        print(f"vcluster-setup: {err}", file=sys.stderr)
        return 1
    print(
        f"Virtual cluster in {base}. Next:\n"
        f"  {base}/node1/cmd gnt-cluster init --no-ssh-init --no-etc-hosts --master-netdev=lo"
        f" {options.cluster_name}\n"
        f"  {base}/node1/cmd gnt-node add node2\n"
        f"  {base}/start-all, {base}/stop-all"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
