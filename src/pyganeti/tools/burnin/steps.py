"""What burnin does, step by step, as opcodes. Pure.

options, nodes -> phases: a title, and for each instance opcodes and where it is afterwards
"""

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from pyganeti.model.enums import DiskTemplate
from pyganeti.model.templates import (
    COPYABLE,
    GROWABLE,
    INTERNALLY_MIRRORED,
    MIRRORED,
)

from .options import OpDict


@dataclass(frozen=True, slots=True)
class Guest:
    """A test instance: where it is by now; ``spare`` is a node that it may go to."""

    name: str
    primary: str
    secondary: str
    spare: str


@dataclass(frozen=True, slots=True)
class Phase:
    """Something that is done with every instance.

    Attributes:
        title: for people.
        ops: of an instance, one after the other.
        after: where the instance is then.
        is_up: whether it runs then, so that its network can be tried.
        makes: whether there is no instance before.
    """

    title: str
    ops: Callable[[Guest], list[OpDict]]
    after: Callable[[Guest], Guest] = lambda guest: guest
    is_up: bool = False
    makes: bool = False


def place(options: argparse.Namespace, nodes: Sequence[str]) -> list[Guest]:
    """Instances spread over the nodes, each with its secondary on the next one.

    Raises:
        ValueError: there are too few nodes.
    """
    wanted = 2 if DiskTemplate(options.disk_template) in INTERNALLY_MIRRORED else 1
    if len(nodes) < wanted:
        raise ValueError(f"{options.disk_template} needs {wanted} nodes, there are {len(nodes)}")
    around = [*nodes, *nodes, *nodes]
    return [
        Guest(name, *around[index % len(nodes) :][:3])
        for index, name in enumerate(options.instances)
    ]


def phases(options: argparse.Namespace, nodes: Sequence[str]) -> Iterator[Phase]:
    """All there is to do between making the instances and removing them."""
    template = DiskTemplate(options.disk_template)
    yield Phase(
        "creating instances", lambda guest: [create(options, guest)], is_up=True, makes=True
    )
    if template in GROWABLE and any(options.disk_growth):
        yield Phase("growing disks", lambda guest: grow(options, guest))
    if template in INTERNALLY_MIRRORED:
        yield from _replacements(options, nodes)
    if template in MIRRORED and (len(nodes) > 1 or template in INTERNALLY_MIRRORED):
        yield from _moves_of_mirrored(options, template)
    if options.do_move and template in COPYABLE and len(nodes) > 1:
        yield Phase("moving instances", _move, _moved, is_up=True)
    if options.do_importexport and template is not DiskTemplate.DISKLESS:
        ops = _export_import(options)
        yield Phase("exporting, removing and importing instances", ops)
        yield Phase("starting instances", lambda guest: [_op("STARTUP", guest)], is_up=True)
    yield from _life(options, template)
    yield from _devices(options, template)
    if options.do_activate_disks and template is not DiskTemplate.DISKLESS:
        yield Phase("activating and deactivating disks", _activate, is_up=True)
    if options.do_startstop:
        stop_start = ("SHUTDOWN", "STARTUP")
        yield Phase("stopping and starting instances", lambda g: _all(stop_start, g), is_up=True)


def _op(kind: str, guest: Guest, **parameters: Any) -> OpDict:
    """Any: parameters of many types."""
    return {"OP_ID": f"OP_INSTANCE_{kind}", "instance_name": guest.name, **parameters}


def _all(kinds: Sequence[str], guest: Guest) -> list[OpDict]:
    return [_op(kind, guest) for kind in kinds]


def create(options: argparse.Namespace, guest: Guest) -> OpDict:
    """Make the instance."""
    hypervisor, hvparams = options.hypervisor_parameters or (None, {})
    op = _op(
        "CREATE",
        guest,
        mode="create",
        os_type=options.os,
        osparams=options.os_parameters,
        disk_template=options.disk_template,
        disks=[{"size": size} for size in options.disk_size],
        nics=[] if options.no_nics else [{}],
        beparams={
            "minmem": options.minmem_size,
            "maxmem": options.maxmem_size,
            "vcpus": options.vcpu_count,
        },
        hypervisor=hypervisor,
        hvparams=hvparams,
        ip_check=options.ip_check,
        name_check=options.name_check,
        wait_for_sync=True,
        start=True,
    )
    return {**op, **_placement(options, guest)}


def _placement(options: argparse.Namespace, guest: Guest) -> OpDict:
    if options.iallocator:
        return {"iallocator": options.iallocator}
    mirrored = DiskTemplate(options.disk_template) in INTERNALLY_MIRRORED
    return {"pnode": guest.primary, **({"snode": guest.secondary} if mirrored else {})}


def grow(options: argparse.Namespace, guest: Guest) -> list[OpDict]:
    """Make each disk larger that is to grow."""
    return [
        _op("GROW_DISK", guest, disk=index, amount=amount, wait_for_sync=True)
        for index, amount in enumerate(options.disk_growth)
        if amount
    ]


def _replacements(options: argparse.Namespace, nodes: Sequence[str]) -> Iterator[Phase]:
    def replaced(guest: Guest, mode: str, **more: Any) -> OpDict:
        early = options.early_release
        return _op("REPLACE_DISKS", guest, mode=mode, disks=[], early_release=early, **more)

    if options.do_replace1:
        yield Phase(
            "replacing disks on the same nodes",
            lambda g: [replaced(g, "replace_on_secondary"), replaced(g, "replace_on_primary")],
        )
    if not options.do_replace2:
        return
    title, mode = "replacing the secondary", "replace_new_secondary"
    if options.iallocator:
        yield Phase(title, lambda g: [replaced(g, mode, iallocator=options.iallocator)])
    elif len(nodes) > 2:
        yield Phase(
            title,
            lambda g: [replaced(g, mode, remote_node=g.spare)],
            lambda g: replace(g, secondary=g.spare, spare=g.secondary),
        )


def _moves_of_mirrored(options: argparse.Namespace, template: DiskTemplate) -> Iterator[Phase]:
    def target(guest: Guest) -> OpDict:
        # Disks of DRBD say themselves where it goes.
        if template in INTERNALLY_MIRRORED:
            return {}
        if options.iallocator:
            return {"iallocator": options.iallocator}
        return {"target_node": guest.secondary}

    if options.do_failover:
        ops = lambda g: [_op("FAILOVER", g, **target(g))]  # noqa: E731
        yield Phase("failing over", ops, _swapped, is_up=True)
    if options.do_migrate:
        yield Phase(
            "migrating",
            lambda g: [
                _op("MIGRATE", g, cleanup=False, **target(g)),
                _op("MIGRATE", g, cleanup=True),
            ],
            _swapped,
            is_up=True,
        )


def _swapped(guest: Guest) -> Guest:
    return replace(guest, primary=guest.secondary, secondary=guest.primary)


def _move(guest: Guest) -> list[OpDict]:
    return [_op("MOVE", guest, target_node=guest.secondary)]


_moved: Final = _swapped


def _export_import(options: argparse.Namespace) -> Callable[[Guest], list[OpDict]]:
    sizes, grows = options.disk_size, DiskTemplate(options.disk_template) in GROWABLE
    growth = options.disk_growth if grows else [0] * len(sizes)

    def ops(guest: Guest) -> list[OpDict]:
        node = guest.spare
        imported = {
            **create(options, guest),
            "mode": "import",
            "src_node": node,
            "src_path": guest.name,
            "start": False,
            # As large as they have grown.
            "disks": [{"size": size + more} for size, more in zip(sizes, growth, strict=True)],
        }
        return [
            {
                "OP_ID": "OP_BACKUP_EXPORT",
                "instance_name": guest.name,
                "target_node": node,
                "mode": "local",
                "shutdown": True,
                # Not all templates have snapshots, and nobody misses a test instance.
                "long_sleep": True,
            },
            _op("REMOVE", guest, ignore_failures=False),
            imported,
            {"OP_ID": "OP_BACKUP_REMOVE", "instance_name": guest.name},
        ]

    return ops


def _life(options: argparse.Namespace, template: DiskTemplate) -> Iterator[Phase]:
    if options.do_reinstall and template is not DiskTemplate.DISKLESS:
        yield Phase(
            "reinstalling",
            lambda g: [
                _op("SHUTDOWN", g),
                _op("REINSTALL", g),
                _op("REINSTALL", g, os_type=options.os),
                _op("STARTUP", g),
            ],
            is_up=True,
        )
    if options.do_reboot:
        yield Phase(
            "rebooting",
            lambda g: [
                _op("REBOOT", g, reboot_type=kind, ignore_secondaries=False)
                for kind in options.reboot_types
            ],
            is_up=True,
        )
    if options.do_renamesame:
        yield Phase("renaming to the same name", lambda g: _renamed(options, g), is_up=True)
    if options.rename:
        yield Phase(f"renaming to {options.rename} and back", lambda g: _renamed(options, g))


def _renamed(options: argparse.Namespace, guest: Guest) -> list[OpDict]:
    checks = {"name_check": options.name_check, "ip_check": False}
    other = replace(guest, name=options.rename or guest.name)
    return [
        _op("SHUTDOWN", guest),
        _op("RENAME", guest, new_name=other.name, **checks),
        _op("STARTUP", other),
        _op("SHUTDOWN", other),
        _op("RENAME", other, new_name=guest.name, **checks),
        _op("STARTUP", guest),
    ]


def _devices(options: argparse.Namespace, template: DiskTemplate) -> Iterator[Phase]:
    def changed(guest: Guest, what: str, *change: Any) -> OpDict:
        return _op("SET_PARAMS", guest, **{what: [change]}, hotplug=False)

    def disks(guest: Guest) -> list[OpDict]:
        size = {"size": options.disk_size[0]}
        return [
            changed(guest, "disks", "add", -1, size),
            *_all(("SHUTDOWN",), guest),
            changed(guest, "disks", "remove", -1, {}),
            *_all(("STARTUP",), guest),
        ]

    if options.do_add_disks and template is not DiskTemplate.DISKLESS and options.disk_size:
        yield Phase("adding and removing a disk", disks, is_up=True)
    if options.do_add_nics:
        yield Phase(
            "adding and removing a NIC",
            lambda g: [
                changed(g, "nics", "add", -1, {}),
                changed(g, "nics", "remove", -1, {}),
            ],
        )


def _activate(guest: Guest) -> list[OpDict]:
    return _all(
        ("ACTIVATE_DISKS", "SHUTDOWN", "ACTIVATE_DISKS", "DEACTIVATE_DISKS", "STARTUP"), guest
    )
