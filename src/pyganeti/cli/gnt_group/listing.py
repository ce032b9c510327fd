"""``gnt-group`` list and list-fields. Source: gnt-group(8) LIST."""

from typing import Any, Final

from pyganeti.cli.listing import LIST_OPTIONS, Listing
from pyganeti.cli.option import Command, any_number
from pyganeti.cli.options import shared as o
from pyganeti.cli.table import joined


def _parameters(value: dict[str, Any]) -> str:
    return ", ".join(f"{key}={value[key]}" for key in value) or "(empty)"


LISTING: Final = Listing(
    "group",
    ("name", "node_cnt", "pinst_cnt", "alloc_policy", "ndparams"),
    {"ndparams": _parameters, "node_list": joined, "pinst_list": joined},
)

COMMANDS: Final = {
    "list": Command(
        LISTING.show,
        (any_number("group"),),
        (*LIST_OPTIONS, o.FORCE_FILTER),
        usage="[options...] [group...]",
        defaults_env="GNT_GROUP_LIST",
    ),
    "list-fields": LISTING.fields_command(),
}
