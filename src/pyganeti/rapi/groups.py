"""``/2/groups``: node groups and what is done to them."""

from typing import Final

from pyganeti.model.enums import TagKind
from pyganeti.opcodes.group import (
    OpGroupAdd,
    OpGroupAssignNodes,
    OpGroupRemove,
    OpGroupRename,
    OpGroupSetParams,
)

from .lists import Kind, listing, single
from .resource import DRY_RUN, Resource, flag
from .shapes import JsonObject
from .submit import job
from .tags import tags

_PATH: Final = "/2/groups"
_NAME: Final = "group_name"
_GROUP: Final = f"{_PATH}/{{{_NAME}}}"

GROUPS: Final = Kind(
    "QueryGroups",
    _PATH,
    {
        "alloc_policy": str, "name": str, "node_cnt": int, "node_list": list[str],
        "ipolicy": JsonObject, "custom_ipolicy": JsonObject, "diskparams": JsonObject,
        "custom_diskparams": JsonObject, "ndparams": JsonObject, "custom_ndparams": JsonObject,
        "ctime": float, "mtime": float, "uuid": str, "serial_no": int, "tags": list[str],
    },
    ("name", "name"),
)  # fmt: skip

RESOURCES: Final = (
    Resource(
        _PATH,
        GET=listing(GROUPS),
        POST=job(OpGroupAdd, DRY_RUN, rename={"name": "group_name"}),
    ),
    Resource(_GROUP, GET=single(GROUPS, _NAME), DELETE=job(OpGroupRemove, DRY_RUN, body=False)),
    Resource(
        f"{_GROUP}/assign-nodes",
        PUT=job(OpGroupAssignNodes, DRY_RUN, flag("force")),
    ),
    Resource(
        f"{_GROUP}/modify",
        PUT=job(
            OpGroupSetParams,
            rename={
                "custom_ndparams": "ndparams",
                "custom_ipolicy": "ipolicy",
                "custom_diskparams": "diskparams",
            },
        ),
    ),
    Resource(f"{_GROUP}/rename", PUT=job(OpGroupRename, DRY_RUN)),
    tags(f"{_GROUP}/tags", TagKind.NODEGROUP, _NAME),
)
