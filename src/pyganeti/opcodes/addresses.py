"""Checks of network addresses in opcodes' parameters."""

from collections.abc import Callable, Mapping
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from pyganeti.model.errors import ECode, OpPrereqError

from .base import Opcode

_KINDS: Mapping[str, tuple[Callable[[str], object], str]] = {
    "network": (IPv4Network, "an IPv4 network, as in 192.0.2.0/24"),
    "network6": (IPv6Network, "an IPv6 network, as in 2001:db8::/64"),
    "gateway": (IPv4Address, "an IPv4 address"),
    "gateway6": (IPv6Address, "an IPv6 address"),
    "add_reserved_ips": (IPv4Address, "a list of IPv4 addresses"),
    "remove_reserved_ips": (IPv4Address, "a list of IPv4 addresses"),
}

NONE = "none"
"""Given for an optional address when a network is changed: remove it."""


def check_addresses(op: Opcode, *, removable: bool = False) -> None:
    """Refuse an address of ``op`` that is none.

    Args:
        op: an opcode on a network.
        removable: single addresses may also be given as :data:`NONE` or empty.

    Raises:
        OpPrereqError: ``ECode.INVAL``; names the parameter, the value and what was expected.
    """
    for name, (parse, expected) in _KINDS.items():
        value = getattr(op, name, None)
        if value is None or (removable and value in (NONE, "")):
            continue
        for text in (value,) if isinstance(value, str) else value:
            try:
                parse(text)
            except ValueError as err:
                raise OpPrereqError(
                    f"{op.op_id()}: parameter {name!r} has the value {text!r}, expected {expected}",
                    ECode.INVAL,
                ) from err
