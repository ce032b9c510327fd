"""``gnt-node`` list and list-fields. Source: gnt-node(8) LIST."""

from typing import Final

from pyganeti.cli.listing import LIST_OPTIONS, Listing
from pyganeti.cli.option import Command, any_number
from pyganeti.cli.options import shared as o
from pyganeti.cli.table import joined

LISTING: Final = Listing(
    "node",
    ("name", "dtotal", "dfree", "mtotal", "mnode", "mfree", "pinst_cnt", "sinst_cnt"),
    {"pinst_list": joined, "sinst_list": joined, "tags": joined},
)

COMMANDS: Final = {
    "list": Command(
        LISTING.show,
        (any_number("node"),),
        (*LIST_OPTIONS, o.UNITS, o.FORCE_FILTER),
        usage="[options...] [node...]",
        defaults_env="GNT_NODE_LIST",
    ),
    "list-fields": LISTING.fields_command(),
}
