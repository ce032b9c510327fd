"""Exports to test with."""

from pathlib import Path

from pyganeti.testing.cluster import SimCluster


def put_export(cluster: SimCluster, node: str, name: str) -> Path:
    """An export on a node, as something else made it."""
    directory = Path(cluster.nodes[node].paths.export_dir, name)
    directory.mkdir()
    (directory / "config.ini").write_text("[export]\nversion = 0\n")
    return directory


def exports(cluster: SimCluster) -> dict[str, list[str]]:
    """By node, the names of its exports; hidden ones included."""
    found = {
        name: sorted(path.name for path in Path(node.paths.export_dir).iterdir())
        for name, node in cluster.nodes.items()
    }
    return {name: names for name, names in found.items() if names}
