"""``gnt-instance`` list and list-fields. Source: gnt-instance(8) LIST."""

from typing import Final

from pyganeti.cli.listing import LIST_OPTIONS, Listing
from pyganeti.cli.option import Command, any_number
from pyganeti.cli.options import shared as o
from pyganeti.cli.table import joined

LISTING: Final = Listing(
    "instance",
    ("name", "hypervisor", "os", "pnode", "status", "oper_ram"),
    # The other lists (nic.names, ...) may hold empty places and print as literals.
    {
        "disk.sizes": joined,
        "nic.bridges": joined,
        "nic.ips": joined,
        "nic.links": joined,
        "nic.macs": joined,
        "nic.modes": joined,
        "nic.networks": joined,
        "snodes": joined,
        "snodes.group": joined,
        "snodes.group.uuid": joined,
        "tags": joined,
    },
)

COMMANDS: Final = {
    "list": Command(
        LISTING.show,
        (any_number("instance"),),
        (*LIST_OPTIONS, o.UNITS, o.FORCE_FILTER),
        usage="[options...] [instance...]",
        defaults_env="GNT_INSTANCE_LIST",
    ),
    "list-fields": LISTING.fields_command(),
}
