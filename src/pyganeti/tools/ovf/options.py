"""Command line of ovfconverter. Source: the options of Ganeti's program of this name."""

import argparse
from collections.abc import Sequence
from typing import Any, Final

from pyganeti.model.enums import DiskTemplate
from pyganeti.model.errors import UnitParseError
from pyganeti.model.templates import MAX_DISKS, MAX_NICS
from pyganeti.model.units import parse_unit
from pyganeti.model.versions import RELEASE_VERSION
from pyganeti.tools.move_instance.options import parameters

from .package import FORMATS

_BACKEND: Final = ("auto_balance", "maxmem", "memory", "minmem", "vcpus")
_NIC: Final = ("ip", "link", "mac", "mode", "network", "vlan")

Texts = dict[str, str]


def _texts(text: str, known: Sequence[str] = ()) -> Texts:
    values = parameters(text)
    unknown = sorted(values.keys() - set(known)) if known else []
    if unknown:
        raise argparse.ArgumentTypeError(f"{unknown[0]!r} is none of {', '.join(known)}")
    return {name: str(value) for name, value in values.items() if value is not None}


def _backend(text: str) -> Texts:
    found = _texts(text, _BACKEND)
    try:
        for name in ("maxmem", "memory", "minmem"):
            if name in found:
                found[name] = str(parse_unit(found[name]))
    except UnitParseError as err:
        raise argparse.ArgumentTypeError(str(err)) from err
    if not found.get("vcpus", "1").isdecimal():
        raise argparse.ArgumentTypeError("vcpus is no number")
    return found


def _hypervisor(text: str) -> tuple[str, Texts]:
    name, _, rest = text.partition(":")
    if not name:
        raise argparse.ArgumentTypeError("expected HYPERVISOR:OPTION=VALUE,...")
    return name, _texts(rest)


def _numbered(text: str, most: int, known: Sequence[str]) -> tuple[int, Texts]:
    number, _, rest = text.partition(":")
    if not (number.isascii() and number.isdigit() and int(number) < most):
        raise argparse.ArgumentTypeError(f"expected NUMBER:OPTION=VALUE,... below {most}")
    return int(number), _texts(rest, known)


def _nic(text: str) -> tuple[int, Texts]:
    return _numbered(text, MAX_NICS, _NIC)


def _disk(text: str) -> tuple[int, int]:
    number, values = _numbered(text, MAX_DISKS, ("size",))
    try:
        return number, parse_unit(values["size"])
    except (KeyError, UnitParseError) as err:
        raise argparse.ArgumentTypeError("a disk needs a size, as in 0:size=10G") from err


def ovf_parser() -> argparse.ArgumentParser:
    """The parser."""
    parser = argparse.ArgumentParser(
        "ovfconverter",
        description="Makes packages of the Open Virtualization Format of exports, and back.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {RELEASE_VERSION}")
    parser.add_argument("way", choices=("import", "export"), metavar="{import|export}")
    parser.add_argument("source", metavar="FILE", help="a package, or config.ini of an export")
    add = parser.add_argument
    add("-n", "--name", help="another name for the instance")
    add("--output-dir", metavar="DIRECTORY", help="where the result is to be")
    add("-v", "--verbose", action="store_true", help="say what is being done")
    add("-d", "--debug", action="store_true", help="the same")
    of_import = parser.add_argument_group("import")
    add = of_import.add_argument
    add("-B", "--backend-parameters", dest="backend", type=_backend, default={},
        metavar="KEY=VALUE,...", help="backend parameters")  # fmt: skip
    add("--disk", dest="disks", type=_disk, action="append", default=[], metavar="NUMBER:size=SIZE",
        help="empty disks instead of those of the package; repeats")  # fmt: skip
    add("-t", "--disk-template", choices=[str(one) for one in DiskTemplate], metavar="TEMPLATE",
        help="disk template")  # fmt: skip
    add("-H", "--hypervisor-parameters", dest="hypervisor", type=_hypervisor,
        metavar="HYPERVISOR:KEY=VALUE,...", help="hypervisor and its parameters")  # fmt: skip
    add("--net", dest="nics", type=_nic, action="append", default=[],
        metavar="NUMBER:KEY=VALUE,...", help="NICs instead of those of the package; repeats",
    )  # fmt: skip
    add("--no-nics", action="store_true", help="no NICs")
    add("-o", "--os-type", metavar="OS", help="the operating system")
    add("-O", "--os-parameters", dest="osparams",
        type=_texts, metavar="KEY=VALUE,...",
        help="OS parameters")  # fmt: skip
    add("--tags", metavar="TAG,...", help="tags")
    of_export = parser.add_argument_group("export")
    add = of_export.add_argument
    add("-f", "--format", choices=sorted(FORMATS), help="format of the images; must be given")
    add("--compress", action="store_true", help="compress images with gzip")
    add("--external", action="store_true", help="leave out what only Ganeti understands")
    add("--ova", action="store_true", help="put all into one file")
    return parser


_EXPORT_ONLY: Final = {
    "format": "--format", "compress": "--compress", "external": "--external", "ova": "--ova",
}  # fmt: skip
_IMPORT_ONLY: Final = {
    "backend": "-B", "disks": "--disk", "disk_template": "-t", "hypervisor": "-H", "nics": "--net",
    "no_nics": "--no-nics", "os_type": "-o", "osparams": "-O", "tags": "--tags",
}  # fmt: skip


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line; ends the program with 2 if it is wrong."""
    parser = ovf_parser()
    found = parser.parse_args(argv)
    others = _IMPORT_ONLY if found.way == "export" else _EXPORT_ONLY
    for name, option in others.items():
        if getattr(found, name):
            parser.error(f"{option} means nothing to '{found.way}'")
    if found.way == "export" and found.format is None:
        parser.error("--format is missing: raw, cow or vmdk")
    if found.nics and found.no_nics:
        parser.error("--net and --no-nics exclude each other")
    for option, given in (("--disk", found.disks), ("--net", found.nics)):
        _check_numbers(parser, option, given)
    if found.name is not None and not _is_name(found.name):
        parser.error(f"{found.name!r} is no name of an instance")
    return found


def _check_numbers(
    parser: argparse.ArgumentParser, option: str, given: Sequence[tuple[int, Any]]
) -> None:
    if sorted(number for number, _ in given) != list(range(len(given))):
        parser.error(f"numbers of {option} must be 0, 1 and so on, each once")


def _is_name(text: str) -> bool:
    return bool(text) and text.isprintable() and "/" not in text and not text.startswith((".", "-"))
