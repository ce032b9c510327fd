"""CPU of single functions that everything waits for, in this process."""

import asyncio
import time
from collections.abc import Callable
from typing import Final

import msgspec
from tests.unit.model import make as m
from tests.unit.query.make import FakeLive, engine, guest

from benchmarks.figure import REPEATS, Figure
from pyganeti.model.change import Change
from pyganeti.model.enums import DiskTemplate
from pyganeti.opcodes.codec import decode
from pyganeti.wire.noderpc.guests import GuestInfo

_INSTANCES: Final = 10_000
_NODES: Final = 100
_FIELDS: Final = ["name", "hypervisor", "os", "pnode", "status", "oper_ram"]


def _cpu(name: str, unit: str, target: float, work: Callable[[], None], scale: float) -> Figure:
    """``scale`` times the seconds of CPU that ``work`` takes."""
    samples = []
    for _ in range(REPEATS):
        began = time.process_time()
        work()
        samples.append((time.process_time() - began) * scale)
    return Figure(name, unit, target, samples)


def decode_opcode() -> Figure:
    """An opcode as clients send it, decoded and checked."""
    data = {"OP_ID": "OP_TEST_DELAY", "duration": 0, "on_nodes": ["node1"]}

    def work() -> None:
        for _ in range(1000):
            decode(data)

    return _cpu("decode an opcode", "us", 100, work, 1e3)


def change_view() -> Figure:
    """One instance changed among ten thousand, whose indexes are in use."""
    view = m.view(
        *(m.instance(number, disks=(f"disk-{number}",)) for number in range(_INSTANCES)),
        *(m.disk(number) for number in range(_INSTANCES)),
    )
    view.find_instance("web1")
    view.used_minors("node-1")
    view.used_macs()
    view.used_ips()
    view.all_instances()
    changed = msgspec.structs.replace(view.instances["instance-7"], tags=("x",))

    def work() -> None:
        for _ in range(100):
            view.apply(Change((changed,)))

    return _cpu(f"change one of {_INSTANCES} instances", "us", 1000, work, 1e4)


def query_instances() -> Figure:
    """Live fields of ten thousand instances, the nodes' answers at hand."""
    many = [
        m.instance(number, primary_node=f"node-{number % _NODES + 1}", disks=(f"disk-{number}",))
        for number in range(_INSTANCES)
    ]
    view = m.view(
        *(m.node(number) for number in range(1, _NODES + 1)),
        *many,
        *(m.disk(number, dev_type=DiskTemplate.FILE) for number in range(_INSTANCES)),
    )
    on_nodes: dict[str, dict[str, GuestInfo]] = {node: {} for node in view.nodes}
    for instance in many:
        on_nodes[instance.primary_node][instance.name] = guest(instance.name)
    queries = engine(view, live=FakeLive(on_nodes=on_nodes))

    def work() -> None:
        asyncio.run(queries.query("instance", _FIELDS, None))

    return _cpu(f"query {_INSTANCES} instances", "ms", 400, work, 1e3)
