"""What a cluster has outside of its configuration, to compare before and after.

    files, links, processes, interfaces on this machine -> Footprint
    config.data, the database -> objects

Tests of failures ask with it whether something was left, or whether nothing was touched.
"""

import json
import os
import sqlite3
from collections.abc import Iterable
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.e2e.vcluster import Cluster

# Differ between a master and its candidate by design: each writes its own.
OWN_META = frozenset({"config_hash", "lost"})


@dataclass(frozen=True)
class Footprint:
    """Things outside of the configuration, by node where they lie in a node's directory."""

    storage: tuple[str, ...]
    links: tuple[str, ...]
    guest_files: tuple[str, ...]
    processes: tuple[str, ...]
    taps: tuple[str, ...]
    tasks: tuple[str, ...]


# What SQLite says of a database that is not there, or not made yet.
_NOTHING_YET: Final = ("unable to open database file", "no such table")


def footprint(cluster: Cluster) -> Footprint:
    """What there is now."""
    processes = cluster.processes()
    return Footprint(
        storage=_below(cluster, "srv/ganeti/*file-storage/**/*"),
        links=_below(cluster, "var/run/ganeti/instance-disks/*"),
        guest_files=_below(cluster, "var/run/ganeti/kvm-hypervisor/*/**/*"),
        processes=tuple(sorted(set(_not_daemons(processes.values())))),
        taps=tuple(sorted(_taps(processes))),
        tasks=_below(cluster, "var/run/ganeti/tasks/*"),
    )


def _below(cluster: Cluster, pattern: str) -> tuple[str, ...]:
    found = cluster.base.glob(f"node*/{pattern}")
    return tuple(sorted(str(path.relative_to(cluster.base)) for path in found))


def _not_daemons(lines: Iterable[str]) -> Iterable[str]:
    return (line for line in lines if "ganeti-" not in line and "daemon-util" not in line)


def _taps(processes: Iterable[int]) -> set[str]:
    """Taps that the processes hold open; the kernel takes those away that nobody holds."""
    found = set()
    for pid in processes:
        with suppress(OSError):
            for handle in os.listdir(f"/proc/{pid}/fdinfo"):
                for line in Path(f"/proc/{pid}/fdinfo/{handle}").read_text().splitlines():
                    if line.startswith("iff:"):
                        found.add(line.partition(":")[2].strip())
    return found


def config_data(cluster: Cluster, node: str | None = None) -> dict[str, Any]:
    """``config.data`` as exported last."""
    data: dict[str, Any] = json.loads(
        (data_dir(cluster, node or cluster.master) / "config.data").read_bytes()
    )
    return data


def objects(cluster: Cluster) -> dict[str, bytes]:
    """Config objects in the master's database."""
    return {key: value for (table, key), value in records(cluster).items() if table == "config"}


def records(cluster: Cluster, node: str | None = None) -> dict[tuple[str, str], bytes]:
    """All records of a node's database (the master's by default) but those that are its own.

    A candidate that has not got anything yet has none.
    """
    path = data_dir(cluster, node or cluster.master) / "cluster.db"
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            rows = database.execute("SELECT tbl, key, value FROM records").fetchall()
    except sqlite3.OperationalError as err:
        if node in (None, cluster.master) or not any(text in str(err) for text in _NOTHING_YET):
            raise
        return {}
    return {
        (table, key): bytes(value)
        for table, key, value in rows
        if not (table == "meta" and key in OWN_META)
    }


def data_dir(cluster: Cluster, node: str) -> Path:
    """``/var/lib/ganeti`` of a node."""
    return cluster.root(node) / "var/lib/ganeti"
