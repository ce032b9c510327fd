"""Command line of burnin. Source: the options of Ganeti's tool of this name."""

import argparse
from collections.abc import Sequence
from typing import Any, Final

from pyganeti.model.enums import DiskTemplate, Hypervisor, RebootType
from pyganeti.model.errors import UnitParseError
from pyganeti.model.units import parse_unit
from pyganeti.model.versions import RELEASE_VERSION

# A device that exists is no place for a test.
_TEMPLATES: Final = tuple(t.value for t in DiskTemplate if t is not DiskTemplate.BLOCKDEV)
# What can be left out: option, attribute, words for people.
_SKIPS: Final = (
    ("replace1", "replace disks on the same nodes"),
    ("replace2", "replace disks with another secondary"),
    ("failover", "failovers"),
    ("migrate", "live migrations"),
    ("move", "moves"),
    ("importexport", "export and import"),
    ("startstop", "stop and start"),
    ("reinstall", "reinstallation"),
    ("reboot", "reboots"),
    ("renamesame", "renaming to the same name"),
    ("activate-disks", "activation of disks"),
    ("add-disks", "adding and removing disks"),
    ("add-nics", "adding and removing NICs"),
    ("confd", "questions to confd"),
)


def _sizes(text: str) -> list[int]:
    """MiB from ``1G,512M``; an empty text is no disk."""
    try:
        return [parse_unit(part) for part in text.split(",") if part]
    except UnitParseError as err:
        raise argparse.ArgumentTypeError(str(err)) from err


def _size(text: str) -> int:
    try:
        return parse_unit(text)
    except UnitParseError as err:
        raise argparse.ArgumentTypeError(str(err)) from err


def _pairs(text: str) -> dict[str, str]:
    found = dict(part.partition("=")[::2] for part in text.split(",") if part)
    if "" in found:
        raise argparse.ArgumentTypeError(f"{text!r} is not KEY=VALUE,...")
    return found


def _hypervisor(text: str) -> tuple[str, dict[str, str]]:
    name, _, parameters = text.partition(":")
    if name not in set(Hypervisor):
        raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(Hypervisor)}")
    return name, _pairs(parameters)


def _reboots(text: str) -> list[str]:
    found = text.split(",")
    wrong = [word for word in found if word not in set(RebootType)]
    if wrong:
        raise argparse.ArgumentTypeError(f"{wrong[0]!r} is none of {', '.join(RebootType)}")
    return found


def _words(text: str) -> list[str]:
    return [word for word in text.split(",") if word]


def burnin_parser() -> argparse.ArgumentParser:
    """The parser."""
    parser = argparse.ArgumentParser(
        prog="burnin", description="make test instances and try everything", allow_abbrev=False
    )
    parser.add_argument("--version", action="version", version=f"burnin (ganeti) {RELEASE_VERSION}")
    parser.add_argument("instances", nargs="+", metavar="INSTANCE", help="names that are free")
    _add_instance(parser)
    _add_placement(parser)
    for name, what in _SKIPS:
        parser.add_argument(
            f"--no-{name}",
            dest=f"do_{name.replace('-', '_')}",
            action="store_false",
            help=f"leave out {what}",
        )
    _add_conduct(parser)
    return parser


def _add_instance(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("-o", "--os", required=True, help="operating system of the instances")
    add("-t", "--disk-template", choices=_TEMPLATES, default="drbd", help="default: drbd")
    add("--disk-size", type=_sizes, default=[1024], metavar="SIZES", help="default: 1G; a list")
    add("--disk-growth", type=_sizes, default=[128], metavar="SIZES", help="default: 128m; a list")
    add("--mem-size", type=_size, metavar="SIZE", help="memory, both ends")
    add("--maxmem-size", type=_size, default=256, metavar="SIZE", help="default: 256m")
    add("--minmem-size", type=_size, default=128, metavar="SIZE", help="default: 128m")
    add("--vcpu-count", type=int, default=3, metavar="NUMBER", help="default: 3")
    add("-H", "--hypervisor-parameters", type=_hypervisor, metavar="HYPERVISOR:KEY=VALUE,...")
    add("-O", "--os-parameters", type=_pairs, default={}, metavar="KEY=VALUE,...")
    add("--no-nics", action="store_true", help="without network interfaces")
    add("--no-ip-check", dest="ip_check", action="store_false", help="addresses may be in use")
    add("--no-name-check", dest="name_check", action="store_false", help="names need not resolve")


def _add_placement(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("-n", "--nodes", type=_words, default=[], help="nodes to use (default: all)")
    add("-I", "--iallocator", help="let an allocator choose; not with --nodes")
    add("--early-release", action="store_true", help="release locks of old secondaries early")


def _add_conduct(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--reboot-types", type=_reboots, default=[str(t) for t in RebootType], metavar="TYPES")
    add("--rename", metavar="NAME", help="a free name; each instance has it for a while")
    add("-p", "--parallel", action="store_true", help="work on all instances at once")
    add("--net-timeout", type=int, default=15, metavar="SECONDS", help="default: 15")
    add(
        "-C",
        "--http-check",
        action="store_true",
        help="wait for http://INSTANCE/hostname.txt to hold the instance's name",
    )
    add("-K", "--keep-instances", action="store_true", help="leave the instances there")
    add("--reason", default="", help="why, for the jobs")
    add("-v", "--verbose", action="store_true", help="say which operations are submitted")
    add("-d", "--debug", action="store_true", help="accepted, says nothing more")


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """The options; ends the program where they are wrong."""
    parser = burnin_parser()
    options = parser.parse_args(argv)
    if options.iallocator and options.nodes:
        parser.error("--iallocator and --nodes exclude each other")
    if len(set(options.instances)) != len(options.instances):
        parser.error("an instance is named twice")
    if options.mem_size is not None:
        options.minmem_size = options.maxmem_size = options.mem_size
    # An address is looked for under the name.
    options.ip_check = options.ip_check and options.name_check
    if options.disk_template == "diskless":
        options.disk_size, options.disk_growth = [], []
    if len(options.disk_growth) == 1:
        options.disk_growth *= len(options.disk_size)
    if len(options.disk_growth) != len(options.disk_size):
        parser.error("--disk-growth needs as many sizes as --disk-size, or one")
    return options


# Any: one opcode, ready for JSON.
OpDict = dict[str, Any]
