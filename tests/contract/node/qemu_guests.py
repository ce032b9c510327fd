"""Guests under the QEMU that is installed, in software, or made up; in a directory of their own."""

import json
import os
import signal
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from pyganeti.kit.clock import SystemClock
from pyganeti.kit.process import run
from pyganeti.model.errors import HypervisorError
from pyganeti.node.hypervisor.base import Hypervisor
from pyganeti.node.hypervisor.fake.driver import FakeHypervisor
from pyganeti.node.hypervisor.fake.records import FileRecords
from pyganeti.node.hypervisor.host import read_host
from pyganeti.node.hypervisor.kvm import process
from pyganeti.node.hypervisor.kvm.driver import KvmHypervisor
from pyganeti.node.hypervisor.kvm.facts import QemuAsker
from pyganeti.node.hypervisor.kvm.layout import KvmLayout
from pyganeti.node.hypervisor.kvm.params import qemu_path
from pyganeti.node.hypervisor.kvm.spice import SpicePlaces
from pyganeti.node.hypervisor.kvm.users import UserPool
from pyganeti.node.network.base import Network
from pyganeti.node.network.fake import FakeNetwork
from pyganeti.wire.noderpc.specs import InstanceSpec, NicSpec

SPEC = Path(__file__).parents[2] / "spec" / "hvparams.json"
HVPARAMS: dict[str, Any] = {
    **{entry["name"]: entry["default"] for entry in json.loads(SPEC.read_text())["kvm"]},
    "kernel_path": "",
    "kvm_flag": "disabled",
}
QEMU = qemu_path(HVPARAMS)

NOBODY = UserPool(lambda: ())
SPICE = SpicePlaces(run, "/no/spice.pem", "/no/spice-ca.pem", lambda: 4)

needs_qemu = pytest.mark.skipif(not os.access(QEMU, os.X_OK), reason=f"{QEMU} is not installed")


def kvm(directory: Path, network: Network | None = None, users: UserPool = NOBODY) -> KvmHypervisor:
    """The driver with its files in ``directory``; without a network, interfaces are made up."""
    return KvmHypervisor(
        KvmLayout(str(directory)),
        runner=run,
        network=network or FakeNetwork(),
        asker=QemuAsker(run, str(directory)),
        clock=SystemClock(),
        spice=SPICE,
        users=users,
    )


async def skip_without_spice(directory: Path, hvparams: Mapping[str, Any]) -> None:
    """Skip the test where QEMU was made without SPICE; any other refusal is a failure."""
    try:
        await kvm(directory).check_params(dict(hvparams))
    except HypervisorError as err:
        if "has no SPICE" not in str(err):
            raise
        pytest.skip(str(err))


def skip_without_qemu() -> None:
    """Skip the test where there is no QEMU; for fixtures, which take no marks."""
    if not os.access(QEMU, os.X_OK):
        pytest.skip(f"{QEMU} is not installed")


def driver(kind: str, directory: Path) -> Hypervisor:
    """The driver ``fake`` or ``kvm``, which is that of a restarted daemon each time."""
    if kind == "fake":
        return FakeHypervisor(
            FileRecords(str(directory / "fake")), SystemClock(), lambda: read_host(1)
        )
    skip_without_qemu()
    return kvm(directory)


def end_guests(directory: Path) -> None:
    """Kill what a failed test left, by the pids it wrote down, there and below."""
    for file in directory.rglob("pid/*"):
        found = process.find(KvmLayout(str(file.parent.parent)).guest(file.name))
        if found is not None:
            os.kill(found.pid, signal.SIGKILL)


def instance(name: str = "web1", nics: tuple[NicSpec, ...] = (), **changes: Any) -> InstanceSpec:
    return InstanceSpec(
        name=name,
        uuid="11111111-2222-3333-4444-555555555555",
        primary_node="n",
        hypervisor="kvm",
        hvparams={**HVPARAMS, **changes},
        beparams={"maxmem": 32, "vcpus": 1},
        nics=nics,
        network_port=15900 + os.getpid() % 40000,
    )


def open_files(pid: int) -> set[str]:
    """What a process has open."""
    found = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        # It may be closed in between.
        with suppress(FileNotFoundError):
            found.add(os.readlink(link))
    return found


def make_image(path: Path) -> None:
    with open(path, "wb") as handle:
        handle.truncate(1 << 20)


def left(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.rglob("*") if not path.is_dir())
