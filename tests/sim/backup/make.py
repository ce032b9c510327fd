"""Exports to test with."""

from pathlib import Path

from pyganeti.testing.cluster import SimCluster


def export_dir(cluster: SimCluster, node: str) -> Path:
    """Where a node keeps its exports."""
    return Path(cluster.nodes[node].paths.export_dir)


def put_export(cluster: SimCluster, node: str, name: str) -> Path:
    """An export on a node, as something else made it."""
    directory = export_dir(cluster, node) / name
    directory.mkdir()
    (directory / "config.ini").write_text("[export]\nversion = 0\n")
    return directory


def exports(cluster: SimCluster) -> dict[str, list[str]]:
    """By node, the names of its exports; hidden ones included."""
    found = {
        name: sorted(path.name for path in export_dir(cluster, name).iterdir())
        for name in cluster.nodes
    }
    return {name: names for name, names in found.items() if names}
