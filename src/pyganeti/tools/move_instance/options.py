"""Command line of move-instance. Source: the options of Ganeti's tool of this name."""

import argparse
import re
import sys
from collections.abc import Sequence
from typing import Any, Final

from pyganeti.model.enums import DiskTemplate
from pyganeti.model.versions import RELEASE_VERSION

RAPI_PORT: Final = 5080
_DELAY_S: Final = 30
_MOST_PORTS: Final = 1 << 16
_ESCAPED: Final = re.compile(r"((?:[^,\\]|\\.)*)(?:,|$)", re.S)
# What one instance has and several cannot share: attribute and option.
_SINGLE: Final = (
    ("dest_instance_name", "--dest-instance-name"),
    ("dest_primary_node", "--dest-primary-node"),
    ("dest_secondary_node", "--dest-secondary-node"),
    ("beparams", "--backend-parameters"),
    ("hvparams", "--hypervisor-parameters"),
    ("osparams", "--os-parameters"),
    ("nics", "--net"),
)
# Options whose value may begin with a hyphen, and how they are written in full.
_LONG: Final = {
    "-B": "--backend-parameters", "-H": "--hypervisor-parameters", "-O": "--os-parameters",
}  # fmt: skip
_TARGETS: Final = ("beparams", "hvparams", "osparams")
_PARAMETERS: Final = {**_LONG, **{name: name for name in _LONG.values()}}

# Text, a flag, or ``None``: back to the default.
Parameters = dict[str, str | bool | None]


def parameters(text: str) -> Parameters:
    r"""Read ``key=value,flag,no_flag,-reset``; ``\`` takes the meaning from a comma.

    Raises:
        argparse.ArgumentTypeError: a key twice, or an empty one. Values, which may be secret, are
            not in its text.
    """
    found: Parameters = {}
    for part in _split(text):
        key, equals, value = part.partition("=")
        given: str | bool | None = value if equals else True
        if not equals and key.startswith("no_"):
            key, given = key.removeprefix("no_"), False
        elif not equals and key.startswith("-"):
            key, given = key[1:], None
        if not key or key in found:
            raise argparse.ArgumentTypeError("a key is empty, or given twice")
        found[key] = given
    return found


def _split(text: str) -> list[str]:
    if not text:
        return []
    parts, end = [], 0
    while end <= len(text) and (match := _ESCAPED.match(text, end)):
        parts.append(re.sub(r"\\(.)", r"\1", match[1], flags=re.S))
        if match.end() == match.end(1):
            break
        end = match.end()
    return parts


def _nic(text: str) -> tuple[int, Parameters]:
    index, _, rest = text.partition(":")
    if not (index.isascii() and index.isdigit()):
        raise argparse.ArgumentTypeError("a NIC is INDEX:KEY=VALUE,...")
    return int(index), parameters(rest)


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) < _MOST_PORTS):
        raise argparse.ArgumentTypeError(f"{text!r} is no port")
    return int(text)


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is no number")
    return int(text)


def move_parser() -> argparse.ArgumentParser:
    """The parser."""
    parser = argparse.ArgumentParser(
        prog="move-instance",
        description="move instances from one cluster to another",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--version", action="version", version=f"move-instance (ganeti) {RELEASE_VERSION}")
    add("source", metavar="SOURCE-CLUSTER", help="its name or address")
    add("destination", metavar="DEST-CLUSTER", help="its name or address")
    add("instances", nargs="+", metavar="INSTANCE")
    add("-d", "--debug", action="count", default=0, help="as --verbose")
    add("-v", "--verbose", action="count", default=0, help="say what the jobs say")
    _add_reaching(parser)
    _add_instance(parser)
    _add_conduct(parser)
    return parser


def _add_reaching(parser: argparse.ArgumentParser) -> None:
    for end, name, default in (("src", "source", ""), ("dest", "destination", "; as the source's")):
        add = parser.add_argument
        add(f"--{end}-rapi-port", type=_port, metavar="PORT",
            help=f"REST port of the {name}{default or f' (default: {RAPI_PORT})'}")  # fmt: skip
        add(f"--{end}-ca-file", metavar="FILE", help=f"PEM file that vouches for it{default}")
        add(f"--{end}-username", metavar="USER", help=f"REST user of the {name}{default}")
        add(f"--{end}-password-file", metavar="FILE", help=f"holds the password{default}")


def _add_instance(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--dest-instance-name", metavar="NAME", help="another name at the destination")
    add("--dest-primary-node", metavar="NODE", help="primary node at the destination")
    add("--dest-secondary-node", metavar="NODE", help="secondary node at the destination")
    add("--dest-disk-template", choices=[t.value for t in DiskTemplate],
        metavar="TEMPLATE", help="another disk template at the destination")  # fmt: skip
    add("-I", "--iallocator", metavar="NAME", help="chooses nodes at the destination")
    for (letter, name), target in zip(_LONG.items(), _TARGETS, strict=True):
        add(letter, name, dest=target, type=parameters, default={},
            metavar="KEY=VALUE,...", help="instead of those it has")  # fmt: skip
    add("--net", dest="nics", type=_nic, action="append", default=[],
        metavar="INDEX:KEY=VALUE,...", help="instead of what that NIC has")  # fmt: skip


def _add_conduct(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--compress", default="none", metavar="TOOL", help="how disks travel (default: none)")
    add("-p", "--parallel", type=_count, default=1, metavar="NUMBER", help="how many at a time")
    add("--keep-source-instance", action="store_true", help="leave it at the source as well")
    add("--opportunistic-tries", type=_count, default=0, metavar="NUMBER",
        help="first try so often with nodes that are not locked")  # fmt: skip
    add("--opportunistic-delay", type=_count, metavar="SECONDS",
        help=f"between these tries (default: {_DELAY_S})")  # fmt: skip


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """The options; ends the program where they are wrong."""
    parser = move_parser()
    options = parser.parse_args(_joined(sys.argv[1:] if argv is None else argv))
    wrong = _contradiction(options)
    if wrong:
        parser.error(wrong)
    if options.src_rapi_port is None:
        options.src_rapi_port = RAPI_PORT
    for name in ("rapi_port", "ca_file", "username", "password_file"):
        if getattr(options, f"dest_{name}") is None:
            setattr(options, f"dest_{name}", getattr(options, f"src_{name}"))
    if options.opportunistic_delay is None:
        options.opportunistic_delay = _DELAY_S
    options.nics = dict(options.nics)
    return options


def _joined(argv: Sequence[str]) -> list[str]:
    """Words with ``-B -vcpus`` in one: a value may begin with a hyphen."""
    found: list[str] = []
    for word in argv:
        if found and found[-1] in _PARAMETERS and word.startswith("-"):
            found[-1] = f"{_PARAMETERS[found[-1]]}={word}"
        else:
            found.append(word)
    return found


def _contradiction(options: argparse.Namespace) -> str | None:
    if len(set(options.instances)) != len(options.instances):
        return "an instance is named twice"
    if len(options.instances) > 1:
        given = [option for name, option in _SINGLE if getattr(options, name)]
        if given:
            return f"{given[0]} is for one instance, and several are to be moved"
    if options.iallocator and (options.dest_primary_node or options.dest_secondary_node):
        return "--iallocator and nodes of the destination exclude each other"
    if options.dest_secondary_node and not options.dest_primary_node:
        return "--dest-secondary-node needs --dest-primary-node"
    if options.parallel < 1:
        return "--parallel: at least one at a time"
    if options.opportunistic_tries and options.dest_primary_node:
        return "--opportunistic-tries is for an allocator, and the primary node is named"
    if options.opportunistic_delay is not None and not options.opportunistic_tries:
        return "--opportunistic-delay needs --opportunistic-tries"
    if len({index for index, _ in options.nics}) != len(options.nics):
        return "--net: an index is given twice"
    if bool(options.src_username) != bool(options.src_password_file):
        return "a user and a file with the password go together"
    return None


# Any: JSON.
Json = dict[str, Any]
