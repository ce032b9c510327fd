"""``/2/nodes``: nodes and what is done to them."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final, Literal

from pyganeti.model.enums import TagKind
from pyganeti.opcodes.node import (
    OpNodeEvacuate,
    OpNodeMigrate,
    OpNodeModifyStorage,
    OpNodePowercycle,
    OpNodeQueryStorage,
    OpNodeSetParams,
    OpRepairNodeStorage,
)

from .call import Call, Json
from .lists import Kind, listing, single
from .resource import DRY_RUN, LOCK, Arg, Method, Resource, flag, text
from .resource import Kind as Read
from .shapes import JsonObject
from .status import BadRequest, RapiError
from .submit import job
from .tags import tags

_PATH: Final = "/2/nodes"
_NAME: Final = "node_name"
_NODE: Final = f"{_PATH}/{{{_NAME}}}"


NODES: Final = Kind(
    "QueryNodes",
    _PATH,
    {
        "name": str, "offline": bool, "master_candidate": bool, "drained": bool,
        # What only the node knows is null where it does not answer.
        "dtotal": int | None, "dfree": int | None, "sptotal": int | None, "spfree": int | None,
        "mtotal": int | None, "mnode": int | None, "mfree": int | None, "pinst_cnt": int,
        "sinst_cnt": int, "ctotal": int | None, "cnos": int | None, "cnodes": int | None,
        "csockets": int | None, "pip": str, "sip": str, "role": str, "pinst_list": list[str],
        "sinst_list": list[str], "master_capable": bool, "vm_capable": bool,
        "ndparams": JsonObject, "group.uuid": str, "ctime": float, "mtime": float, "uuid": str,
        "serial_no": int, "tags": list[str],
    },
    ("name", "id"),
    old_names={"secondary_ip": "sip"},
)  # fmt: skip

_ROLES: Final = {
    "M": "master", "C": "master-candidate", "R": "regular", "D": "drained", "O": "offline",
}  # fmt: skip
# What the role means for master_candidate, offline and drained; null leaves as it is.
_FLAGS: Final[Mapping[str, tuple[bool, bool, bool]]] = {
    "regular": (False, False, False),
    "master-candidate": (True, False, False),
    "drained": (False, False, True),
    "offline": (False, True, False),
}


async def _role(call: Call) -> Json:
    (role,) = await NODES.one(call, call.path[_NAME], ["role"])
    if role not in _ROLES:
        raise RapiError(HTTPStatus.INTERNAL_SERVER_ERROR, f"unknown node role {role!r}")
    return _ROLES[role]


def _new_role(call: Call) -> Mapping[str, Json]:
    if not isinstance(call.body, str):
        raise BadRequest("Body contents: expected a string")
    if call.body not in _FLAGS:
        raise BadRequest(f"Can't set role {call.body[:80]!r}: it is one of {', '.join(_FLAGS)}")
    candidate, offline, drained = _FLAGS[call.body]
    return {"master_candidate": candidate, "offline": offline, "drained": drained}


def _this_node(call: Call) -> Mapping[str, Json]:
    return {"nodes": [call.path[_NAME]]}


def _fields(call: Call) -> Mapping[str, Json]:
    return {**_this_node(call), "output_fields": call.needed("output_fields").split(",")}


def _changes(call: Call) -> Mapping[str, Json]:
    known = "allocatable" in call.query
    return {"changes": {"allocatable": call.flag("allocatable")} if known else {}}


def _modes(call: Call) -> Mapping[str, Json]:
    # As it was said before bodies were.
    if "live" in call.query and "mode" in call.query:
        raise BadRequest("Only one of 'live' and 'mode' should be passed")
    if "live" in call.query:
        return {"mode": "live" if call.flag("live") else "non-live"}
    mode = call.text("mode")
    return {"mode": mode} if mode else {}


_STORAGE_TYPE: Final = text("storage_type", needed=True)
_OUTPUT_FIELDS: Final = Arg("output_fields", Read.TEXT, needed=True)
_UNIT: Final = text("name", needed=True)
_ROLE_SETS: Final = ("master_candidate", "offline", "drained")

RESOURCES: Final = (
    Resource(_PATH, GET=listing(NODES)),
    Resource(_NODE, GET=single(NODES, _NAME)),
    Resource(f"{_NODE}/evacuate", POST=job(OpNodeEvacuate, DRY_RUN)),
    Resource(
        f"{_NODE}/migrate",
        POST=job(
            OpNodeMigrate, Arg("live", Read.FLAG), Arg("mode", Read.TEXT), extra=_modes,
        ),
    ),
    Resource(f"{_NODE}/modify", POST=job(OpNodeSetParams)),
    Resource(f"{_NODE}/powercycle", POST=job(OpNodePowercycle, flag("force"))),
    Resource(
        f"{_NODE}/role",
        GET=Method(
            _role, query=(LOCK,), about="The node's role.",
            result=Literal[tuple(_ROLES.values())],
        ),
        PUT=job(
            OpNodeSetParams, flag("force"), flag("auto-promote"), body=False, extra=_new_role,
            sets=_ROLE_SETS, takes=Literal[tuple(_FLAGS)],
        ),
    ),
    Resource(
        f"{_NODE}/storage",
        GET=job(
            OpNodeQueryStorage, _STORAGE_TYPE, _OUTPUT_FIELDS, body=False,
            extra=_fields, sets=("nodes", "output_fields"),
        ),
    ),
    Resource(
        f"{_NODE}/storage/modify",
        PUT=job(
            OpNodeModifyStorage, _STORAGE_TYPE, _UNIT, Arg("allocatable", Read.FLAG), body=False,
            extra=_changes, sets=("changes",),
        ),
    ),
    Resource(
        f"{_NODE}/storage/repair",
        PUT=job(OpRepairNodeStorage, _STORAGE_TYPE, _UNIT, body=False),
    ),
    tags(f"{_NODE}/tags", TagKind.NODE, _NAME),
)  # fmt: skip
