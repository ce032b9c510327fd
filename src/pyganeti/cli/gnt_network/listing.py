"""``gnt-network`` list and list-fields. Source: gnt-network(8) LIST."""

from typing import Any, Final

from pyganeti.cli.listing import LIST_OPTIONS, Listing
from pyganeti.cli.option import Command, any_number
from pyganeti.cli.table import joined


def _groups(value: list[list[Any]]) -> str:
    # A group, and how the network is connected to it: mode, link and, since 2.14, VLAN.
    return ", ".join(f"{group} ({', '.join(map(str, how))})" for group, *how in value)


LISTING: Final = Listing(
    "network",
    ("name", "network", "gateway", "mac_prefix", "group_list", "tags"),
    {"group_list": _groups, "inst_list": joined, "tags": joined},
)

COMMANDS: Final = {
    "list": Command(
        LISTING.show,
        (any_number("network"),),
        LIST_OPTIONS,
        usage="[options...] [network...]",
    ),
    "list-fields": LISTING.fields_command(),
}
