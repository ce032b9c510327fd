"""``/2/networks``: networks and what is done to them."""

from typing import Final

from pyganeti.model.enums import TagKind
from pyganeti.opcodes.network import (
    OpNetworkAdd,
    OpNetworkConnect,
    OpNetworkDisconnect,
    OpNetworkRemove,
    OpNetworkRename,
    OpNetworkSetParams,
)

from .lists import Kind, listing, single
from .resource import DRY_RUN, Resource
from .submit import job
from .tags import tags

_PATH: Final = "/2/networks"
_NAME: Final = "network_name"
_NETWORK: Final = f"{_PATH}/{{{_NAME}}}"

NETWORKS: Final = Kind(
    "QueryNetworks",
    _PATH,
    {
        "name": str, "network": str, "gateway": str | None, "network6": str | None,
        "gateway6": str | None, "mac_prefix": str | None, "free_count": int, "reserved_count": int,
        "map": str, "group_list": list[tuple[str, ...]], "inst_list": list[str],
        "external_reservations": str, "ctime": float, "mtime": float, "uuid": str,
        "serial_no": int, "tags": list[str],
    },
    ("name", "name"),
)  # fmt: skip

RESOURCES: Final = (
    Resource(
        _PATH,
        GET=listing(NETWORKS),
        POST=job(OpNetworkAdd, DRY_RUN, rename={"name": "network_name"}),
    ),
    Resource(_NETWORK, GET=single(NETWORKS, _NAME), DELETE=job(OpNetworkRemove, DRY_RUN)),
    Resource(f"{_NETWORK}/connect", PUT=job(OpNetworkConnect, DRY_RUN)),
    Resource(f"{_NETWORK}/disconnect", PUT=job(OpNetworkDisconnect, DRY_RUN)),
    Resource(f"{_NETWORK}/modify", PUT=job(OpNetworkSetParams)),
    Resource(f"{_NETWORK}/rename", PUT=job(OpNetworkRename, DRY_RUN)),
    tags(f"{_NETWORK}/tags", TagKind.NETWORK, _NAME),
)
