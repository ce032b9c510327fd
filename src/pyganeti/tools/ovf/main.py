"""``ovfconverter``: packages of the Open Virtualization Format, from exports and to exports.

export: config.ini -> Package -> images, .ovf, .mf (.ova) -> the directory
import: .ovf (.ova) -> Package -> raw images, config.ini -> the directory
"""

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Final

from pyganeti.kit.clock import now
from pyganeti.kit.files import sync_directory
from pyganeti.kit.paths import Paths
from pyganeti.model import exported
from pyganeti.model.enums import DiskTemplate
from pyganeti.model.exported import ExportedDisk, ExportedInstance
from pyganeti.model.state_disks import is_state
from pyganeti.tools.ending import ended

from . import files, images
from .options import parse
from .package import MIB, OvfError, Package, PackedDisk
from .reader import parsed, plain_name
from .writer import description

_PROGRAM: Final = "ovfconverter"
_CONFIG: Final = "config.ini"
_RAW: Final = "raw"
_MEMORY: Final = frozenset({"maxmem", "memory", "minmem"})
Tell = Callable[[str], None]


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point."""
    options = parse(argv)
    talks = options.verbose or options.debug

    def tell(text: str) -> None:
        if talks:
            print(text, file=sys.stderr, flush=True)

    work = export_package if options.way == "export" else import_package
    # Disks of guests are nobody else's affair.
    os.umask(0o077)
    return ended(_PROGRAM, lambda: work(options, tell))


# --- export


def export_package(options: argparse.Namespace, tell: Tell) -> int:
    """Make a package of an export.

    Raises:
        OvfError: it cannot be; there is nothing of it.
    """
    source = os.path.dirname(os.path.abspath(options.source))
    instance = exported.parse(files.read(options.source).decode())
    name = options.name or instance.name
    directory = os.path.abspath(options.output_dir or source)
    if instance.osparams_private and not options.external:
        print(f"{_PROGRAM}: private OS parameters are left out", file=sys.stderr)
    with files.made(directory) as work:
        disks = [
            _packed(index, disk, source, work, options, tell)
            for index, disk in enumerate(instance.disks)
            if not is_state(disk.name)
        ]
        package = _package(name, instance, disks)
        names = [f"{name}.ovf", *(disk.file for disk in disks if disk.file)]
        _write(work, names[0], description(package, external=options.external))
        _write(work, f"{name}.mf", files.manifest(work, names))
        names.insert(1, f"{name}.mf")
        if options.ova:
            tell("packing all into one file")
            files.pack(work, names, os.path.join(work, f"{name}.ova"))
            names = [f"{name}.ova"]
        files.publish(work, names, directory)
    tell(f"done: {os.path.join(directory, names[0])}")
    return 0


def _packed(
    index: int, disk: ExportedDisk, source: str, work: str, options: argparse.Namespace, tell: Tell
) -> PackedDisk:
    """A disk in the package's format, in ``work``."""
    if disk.dump is None:
        raise OvfError(f"disk/{index} has no dump in this export")
    path = files.regular(source, disk.dump)
    # A dump is what the OS definition wrote: the bytes of the disk, or it is none of ours.
    _, capacity = images.size(path, _RAW)
    name = f"disk{index}.{options.format}"
    tell(f"writing disk/{index} as {options.format}")
    into = os.path.join(work, name)
    images.convert(path, _RAW, options.format, into)
    if options.compress:
        tell(f"compressing {name}")
        images.compress(into, f"{into}.gz")
        os.unlink(into)
        name, into = f"{name}.gz", f"{into}.gz"
    size = os.path.getsize(into)
    return PackedDisk(name, capacity, options.compress, options.format, size)


def _package(name: str, instance: ExportedInstance, disks: Sequence[PackedDisk]) -> Package:
    backend = instance.beparams
    try:
        memory = int(backend.get("memory") or backend["maxmem"])
        vcpus = int(backend["vcpus"])
    except (KeyError, ValueError) as err:
        raise OvfError(f"{_CONFIG} does not say how much memory and how many CPUs: {err}") from err
    nics = [
        {**{key: value for key, value in nic.items() if value}, "name": _network(nic, index)}
        for index, nic in enumerate(instance.nics)
    ]
    own = {
        "os": instance.os,
        "disk_template": instance.disk_template,
        "hypervisor": instance.hypervisor,
        "tags": " ".join(instance.tags),
    }
    if "auto_balance" in backend:
        own["auto_balance"] = backend["auto_balance"]
    return Package(
        name, vcpus, memory, tuple(nics), tuple(disks), own, instance.hvparams, instance.osparams
    )


def _network(nic: Mapping[str, str | None], index: int) -> str:
    """Name of a NIC's network in the package, where each NIC has one of its own."""
    return f"{nic.get('mode') or 'network'}{index}"


def _write(directory: str, name: str, data: bytes) -> None:
    with open(os.path.join(directory, name), "xb") as target:
        target.write(data)


# --- import


def import_package(options: argparse.Namespace, tell: Tell) -> int:
    """Make an export of a package.

    Raises:
        OvfError: it cannot be; there is nothing of it.
    """
    paths = Paths.from_env()
    parent = os.path.abspath(options.output_dir or paths.export_dir)
    if not options.source.endswith((".ovf", ".ova")):
        raise OvfError(f"{options.source} is neither an .ovf nor an .ova file")
    os.stat(options.source)
    with ExitStack() as stack:
        work = stack.enter_context(files.made(parent))
        place = os.path.abspath(options.source)
        if place.endswith(".ova"):
            tell("unpacking")
            # Beside the result: this is where there is room.
            os.mkdir(os.path.join(work, "package"), 0o700)
            place = files.unpack(place, os.path.join(work, "package"))
        directory, name = os.path.split(place)
        files.check_manifest(directory, name.removesuffix(".ovf"))
        package = parsed(files.read(place))
        instance = _instance(package, options)
        target = os.path.join(parent, instance.name)
        if os.path.lexists(target):
            raise OvfError(f"{target} exists already")
        made = os.path.join(work, "export")
        os.mkdir(made, 0o700)
        disks = _disks(package, instance, options, directory, made, tell)
        text = exported.render(replace(instance, disks=disks))
        _write(made, _CONFIG, text.encode())
        _sync(made)
        os.rename(made, target)
        sync_directory(parent)
    tell(f"done: gnt-backup import --src-dir={target} ... {instance.name}")
    return 0


def _instance(package: Package, options: argparse.Namespace) -> ExportedInstance:
    """What the package and the command line say, without disks."""
    own = package.own
    name = options.name or package.name
    if not name:
        raise OvfError("the package does not name its machine: say with --name")
    plain_name(name)
    os_type = options.os_type or own.get("os")
    if not os_type:
        raise OvfError("the package does not say which OS definition it is for: say with --os-type")
    hypervisor, hvparams = options.hypervisor or (own.get("hypervisor", ""), package.hvparams)
    backend = {"vcpus": str(package.vcpus)} if package.vcpus else {}
    if package.memory and not _MEMORY & options.backend.keys():
        backend["memory"] = str(package.memory)
    if "auto_balance" in own:
        backend["auto_balance"] = own["auto_balance"]
    tags = own.get("tags", "").split() if options.tags is None else options.tags.split(",")
    return ExportedInstance(
        name=name,
        os=os_type,
        timestamp=int(now()),
        source="",
        disk_template=options.disk_template or own.get("disk_template", ""),
        hypervisor=hypervisor,
        tags=tuple(filter(None, tags)),
        nics=tuple(_nics(package, options)),
        hvparams=hvparams,
        beparams={**backend, **options.backend},
        osparams=package.osparams if options.osparams is None else options.osparams,
    )


def _nics(package: Package, options: argparse.Namespace) -> list[Mapping[str, str]]:
    if options.no_nics:
        return []
    given = [values for _, values in sorted(options.nics, key=lambda one: one[0])]
    found = given or [{k: v for k, v in nic.items() if k != "name"} for nic in package.nics]
    # An address of its own for whom nobody has given one.
    return [{"mac": "auto", **nic} for nic in found]


def _disks(
    package: Package, instance: ExportedInstance, options: argparse.Namespace, directory: str,
    made: str, tell: Tell,
) -> tuple[ExportedDisk, ...]:  # fmt: skip
    if instance.disk_template == DiskTemplate.DISKLESS:
        return ()
    if options.disks:
        return tuple(
            ExportedDisk(f"disk/{index}", None, size) for index, size in sorted(options.disks)
        )
    return tuple(
        _disk(index, disk, directory, made, tell) for index, disk in enumerate(package.disks)
    )


def _disk(index: int, disk: PackedDisk, directory: str, made: str, tell: Tell) -> ExportedDisk:
    """A disk as raw image in ``made``."""
    if disk.file is None:
        return ExportedDisk(f"disk/{index}", None, _mebibytes(disk.capacity))
    path = files.regular(directory, disk.file)
    name = f"disk{index}.raw"
    unpacked = os.path.join(made, f"{name}.unpacked")
    if disk.compressed:
        tell(f"decompressing {disk.file}")
        images.decompress(path, unpacked)
        path = unpacked
    kind, size = images.size(path, disk.format)
    tell(f"reading {disk.file} as {kind}")
    images.convert(path, kind, _RAW, os.path.join(made, name))
    if disk.compressed:
        os.unlink(unpacked)
    return ExportedDisk(f"disk/{index}", name, _mebibytes(size))


def _mebibytes(size: int) -> int:
    return max(1, -(-size // MIB))


def _sync(directory: str) -> None:
    for name in os.listdir(directory):
        with open(os.path.join(directory, name), "rb") as one:
            os.fsync(one.fileno())
    sync_directory(directory)


if __name__ == "__main__":
    sys.exit(main())
