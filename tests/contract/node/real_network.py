"""The kernel's network, for tests."""

from pathlib import Path

from pyganeti.kit.process import Runner, run
from pyganeti.node.metadata import GuestRecords, MetadataService
from pyganeti.node.network.linux import LinuxNetwork


def real_network(directory: Path, runner: Runner = run) -> LinuxNetwork:
    """A network of which ``directory`` has the site's script, if any, and guests' metadata."""
    records = GuestRecords(str(directory / "metadata"))
    service = MetadataService(records, str(directory / "ganeti-metad"), runner)
    return LinuxNetwork(runner, str(directory / "kvm-vif-bridge"), service)
