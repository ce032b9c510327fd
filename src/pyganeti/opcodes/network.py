"""Opcodes on networks."""

from typing import ClassVar

from pyganeti.model.enums import NicMode

from .addresses import check_addresses
from .base import Opcode
from .types import MaybeString, NonEmptyString


class OpNetworkAdd(Opcode, frozen=True, kw_only=True):
    """Create a network."""

    SUMMARY_FIELD: ClassVar[str | None] = "network_name"

    network_name: NonEmptyString
    network: NonEmptyString
    gateway: NonEmptyString | None = None
    network6: NonEmptyString | None = None
    gateway6: NonEmptyString | None = None
    mac_prefix: MaybeString = None
    add_reserved_ips: tuple[NonEmptyString, ...] | None = None
    conflicts_check: bool = True
    tags: tuple[NonEmptyString, ...] = ()

    def check(self) -> None:
        """See :meth:`Opcode.check`."""
        check_addresses(self)


class OpNetworkConnect(Opcode, frozen=True, kw_only=True):
    """Connect a network to a node group."""

    SUMMARY_FIELD: ClassVar[str | None] = "network_name"

    group_name: NonEmptyString
    network_name: NonEmptyString
    network_mode: NicMode
    network_link: NonEmptyString
    network_vlan: str = ""
    conflicts_check: bool = True


class OpNetworkDisconnect(Opcode, frozen=True, kw_only=True):
    """Disconnect a network from a node group."""

    SUMMARY_FIELD: ClassVar[str | None] = "network_name"

    group_name: NonEmptyString
    network_name: NonEmptyString


class OpNetworkRemove(Opcode, frozen=True, kw_only=True):
    """Remove a network that no group is connected to."""

    SUMMARY_FIELD: ClassVar[str | None] = "network_name"

    network_name: NonEmptyString
    force: bool = False


class OpNetworkRename(Opcode, frozen=True, kw_only=True):
    """Give a network another name."""

    SUMMARY_FIELD: ClassVar[str | None] = "network_name"
    RESULT: ClassVar[object] = NonEmptyString

    network_name: NonEmptyString
    new_name: NonEmptyString


class OpNetworkSetParams(Opcode, frozen=True, kw_only=True):
    """Change a network's settings, reserve or release addresses."""

    SUMMARY_FIELD: ClassVar[str | None] = "network_name"

    network_name: NonEmptyString
    gateway: NonEmptyString | None = None
    network6: NonEmptyString | None = None
    gateway6: NonEmptyString | None = None
    mac_prefix: MaybeString = None
    add_reserved_ips: tuple[NonEmptyString, ...] | None = None
    remove_reserved_ips: tuple[NonEmptyString, ...] | None = None

    def check(self) -> None:
        """See :meth:`Opcode.check`."""
        check_addresses(self, removable=True)
