"""``sanitize-config``: a copy of ``config.data`` without names and secrets, to be shown to others.

    config.data -> replacements, found by their places -> everywhere in the text -> copy

Source: the options of Ganeti's tool of this name.
"""

import argparse
import ipaddress
import os
import re
import sys
from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec

from pyganeti.kit.files import write_atomic
from pyganeti.kit.ids import Ids, SystemIds
from pyganeti.kit.paths import Paths
from pyganeti.model.errors import ConfigurationError

from .config_file import Config, read_config
from .ending import ended

_HIDDEN: Final = "<sanitized>"
_DRBD_SECRET: Final = 5
_PRIVATE: Final = frozenset({"osparams_private", "osparams_private_cluster"})
_KEYS: Final = frozenset({"rsahostkeypub", "dsahostkeypub"})
# Values of parameters that say how to get in: names of files with passwords are no secrets.
_PASSWORD: Final = re.compile(r"(passw|secret|token)", re.IGNORECASE)
_V4: Final = ipaddress.ip_network("198.18.0.0/15")
_V6: Final = ipaddress.ip_network("2001:db8::/64")


def without_secrets(value: Any) -> Any:
    """``value`` with keys, private parameters and DRBD's secrets replaced."""
    if isinstance(value, list):
        return [without_secrets(item) for item in value]
    if not isinstance(value, dict):
        return value
    found = {key: _public(key, item) for key, item in value.items()}
    if (
        value.get("dev_type") in ("drbd", "drbd8")
        and len(value.get("logical_id") or ()) > _DRBD_SECRET
    ):
        found["logical_id"] = [*found["logical_id"][:_DRBD_SECRET], _HIDDEN]
        found.pop("physical_id", None)
    return found


def _public(key: str, value: Any) -> Any:
    if key in _PRIVATE:
        return _emptied(value)
    if key in _KEYS or (_PASSWORD.search(key) and isinstance(value, str) and "/" not in value):
        return _HIDDEN if value else value
    if key == "candidate_certs" and isinstance(value, dict):
        return dict.fromkeys(value, _HIDDEN)
    return without_secrets(value)


def _emptied(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _emptied(item) for key, item in value.items()}
    return _HIDDEN


def name_changes(config: Config, domain: str) -> dict[str, str]:
    """New names of the cluster, nodes and instances, by the old ones; short ones too."""
    named = [("cluster", config.get("cluster", {}).get("cluster_name", ""))]
    for kind, container in (("node", "nodes"), ("instance", "instances")):
        objects = config.get(container, {}).values()
        names = sorted(obj.get("name", "") for obj in objects)
        named += [(f"{kind}{number}", name) for number, name in enumerate(names, 1)]
    changes = {}
    for new, name in named:
        if name:
            changes[name] = f"{new}.{domain}"
    return changes


def ip_changes(config: Config) -> dict[str, str]:
    """New addresses of cluster, nodes and NICs, by the old ones."""
    found = dict.fromkeys(_addresses(config))
    hosts = {4: _V4.hosts(), 6: _V6.hosts()}
    return {old: str(next(hosts[ipaddress.ip_address(old).version])) for old in found}


def _addresses(config: Config) -> Iterator[str]:
    yield from _valid(config.get("cluster", {}).get("master_ip"))
    for node in config.get("nodes", {}).values():
        yield from _valid(node.get("primary_ip"))
        yield from _valid(node.get("secondary_ip"))
    for instance in config.get("instances", {}).values():
        for nic in instance.get("nics", []):
            yield from _valid(nic.get("ip"))


def _valid(address: Any) -> Iterator[str]:
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return
    yield address


def os_changes(config: Config, ids: Ids) -> dict[str, str]:
    """New names of OS definitions, by the old ones; variants stay."""
    names = {instance.get("os", "") for instance in config.get("instances", {}).values()}
    names |= set(config.get("cluster", {}).get("osparams", {}))
    bare = sorted({name.partition("+")[0] for name in names if name})
    return {name: f"os-{ids.uuid()[:8]}" for name in bare}


def lv_changes(config: Config, ids: Ids) -> dict[str, str]:
    """New names of logical volumes, by the old ones."""
    found: dict[str, str] = {}
    places = [*config.get("disks", {}).values()]
    for instance in config.get("instances", {}).values():
        places += [disk for disk in instance.get("disks", []) if isinstance(disk, dict)]
    while places:
        disk = places.pop()
        places += disk.get("children") or []
        if disk.get("dev_type") in ("plain", "lvm"):
            found[disk["logical_id"][1]] = ids.uuid()
    return found


def replaced(value: Any, changes: dict[str, str]) -> Any:
    """``value`` with words replaced wherever they stand, in keys too.

    A word ends where a letter, digit, point or hyphen does not go on: of two names one may be the
    beginning of the other.
    """
    if not changes:
        return value
    longest = sorted(changes, key=len, reverse=True)
    pattern = re.compile(rf"(?<![\w.-])(?:{'|'.join(map(re.escape, longest))})(?![\w-]|\.\w)")

    def renew(item: Any) -> Any:
        if isinstance(item, str):
            return pattern.sub(lambda found: changes[found[0]], item)
        if isinstance(item, list):
            return [renew(part) for part in item]
        if isinstance(item, dict):
            return {renew(key): renew(part) for key, part in item.items()}
        return item

    return renew(value)


def sanitized(config: Config, options: argparse.Namespace, ids: Ids) -> Config:
    """The copy.

    Raises:
        ConfigurationError: it is no configuration.
    """
    try:
        new: Config = without_secrets(config)
        changes: dict[str, str] = {}
        if not options.no_randomization:
            changes |= name_changes(config, options.base_domain) if options.names else {}
            changes |= ip_changes(config) if options.ips else {}
            changes |= lv_changes(config, ids) if options.lvs else {}
            changes |= os_changes(config, ids) if options.os_names else {}
    except (AttributeError, TypeError, KeyError, IndexError, StopIteration) as err:
        raise ConfigurationError(f"this is no configuration: {err}") from err
    return replaced(new, changes)  # type: ignore[no-any-return]


def _choice(text: str) -> bool:
    if text not in ("yes", "no"):
        raise argparse.ArgumentTypeError(f"{text!r} is neither yes nor no")
    return text == "yes"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sanitize-config", description=__doc__.splitlines()[0], allow_abbrev=False
    )
    parser.add_argument("output", metavar="OUTPUT_FILE", help="where to write, - for the terminal")
    parser.add_argument("-v", "--verbose", action="store_true", help="say what is replaced")
    parser.add_argument(
        "--path",
        default=Paths.from_env().config_file,
        help="the file to read (default: config.data)",
    )
    for flag, what, default in (
        ("names", "names of cluster, nodes and instances", True),
        ("ips", "their addresses", True),
        ("lvs", "names of logical volumes", False),
        ("os-names", "names of OS definitions", True),
    ):
        shown = "yes" if default else "no"
        parser.add_argument(
            f"--sanitize-{flag}",
            dest=flag.replace("-", "_"),
            type=_choice,
            default=default,
            metavar="yes|no",
            help=f"replace {what} (default: {shown})",
        )
    parser.add_argument(
        "--no-randomization", action="store_true", help="replace nothing but secrets"
    )
    parser.add_argument(
        "--base-domain", default="example.com", metavar="DOMAIN", help="of new names"
    )
    return parser


def _run(argv: Sequence[str] | None) -> int:
    options = _parser().parse_args(argv)
    data = msgspec.json.encode(sanitized(read_config(options.path), options, SystemIds()))
    if options.output == "-":
        print(data.decode("utf-8"))
        return 0
    write_atomic(os.path.abspath(options.output), data, mode=0o600)
    if options.verbose:
        print(f"wrote {options.output}", file=sys.stderr)
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point."""
    return ended("sanitize-config", lambda: _run(argv))


if __name__ == "__main__":
    sys.exit(main())
