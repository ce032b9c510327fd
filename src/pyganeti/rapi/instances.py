"""``/2/instances``: instances and what is done to them."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final, Literal

from pyganeti.model.enums import TagKind
from pyganeti.model.errors import OpPrereqError
from pyganeti.opcodes.backup import OpBackupExport, OpBackupPrepare, OpBackupRemove
from pyganeti.opcodes.instance import (
    OpInstanceActivateDisks,
    OpInstanceCreate,
    OpInstanceDeactivateDisks,
    OpInstanceFailover,
    OpInstanceGrowDisk,
    OpInstanceMigrate,
    OpInstanceMultiAlloc,
    OpInstanceQueryData,
    OpInstanceReboot,
    OpInstanceRecreateDisks,
    OpInstanceReinstall,
    OpInstanceRemove,
    OpInstanceRename,
    OpInstanceReplaceDisks,
    OpInstanceSetParams,
    OpInstanceShutdown,
    OpInstanceStartup,
)
from pyganeti.opcodes.types import DiskIndex

from .call import Call, Json, OpDict
from .lists import Kind, listing, single
from .resource import (
    ANYONE,
    DRY_RUN,
    LOCK,
    READERS,
    REASON,
    WRITERS,
    Arg,
    Body,
    Method,
    Resource,
    flag,
    text,
)
from .resource import Kind as Read
from .shapes import DISK, NIC, JobNumber, JsonObject, ListOf, OneOf
from .status import BadRequest, NotFound, RapiError
from .submit import checked, job, renamed
from .tags import tags

_PATH: Final = "/2/instances"
_NAME: Final = "instance_name"
_INSTANCE: Final = f"{_PATH}/{{{_NAME}}}"


def _with_memory(instance: dict[str, Json]) -> dict[str, Json]:
    """An instance whose memory is also called as it was when there was one number for it."""
    beparams = instance["beparams"]
    if isinstance(beparams, dict) and "maxmem" in beparams:
        instance["beparams"] = {**beparams, "memory": beparams["maxmem"]}
    return instance


# One for each device, null where it has none.
_EACH: Final = list[str | None]

INSTANCES: Final = Kind(
    "QueryInstances",
    _PATH,
    {
        "name": str, "admin_state": str, "os": str, "pnode": str | None, "snodes": list[str],
        "disk_template": str, "nic.ips": _EACH, "nic.macs": list[str], "nic.modes": list[str],
        "nic.uuids": list[str], "nic.names": _EACH, "nic.links": _EACH, "nic.networks": _EACH,
        "nic.networks.names": _EACH, "nic.bridges": _EACH, "network_port": int | None,
        "disk.sizes": list[int], "disk.spindles": list[int | None], "disk_usage": int,
        "disk.uuids": list[str], "disk.names": _EACH, "beparams": JsonObject,
        "hvparams": JsonObject,
        # What only the node knows is null where it does not answer.
        "oper_state": bool | None, "oper_ram": int | None, "oper_vcpus": int | None,
        "status": str, "custom_hvparams": JsonObject, "custom_beparams": JsonObject,
        "custom_nicparams": list[JsonObject], "custom_osparams": JsonObject, "ctime": float,
        "mtime": float, "uuid": str, "serial_no": int, "tags": list[str],
    },
    ("name", "id"),
    finish=_with_memory,
)  # fmt: skip

_CREATE_NAMES: Final = {"os": "os_type", "name": "instance_name"}
_VERSION: Final = "__version__"
_DEVICES: Final[Mapping[str, object]] = {"disks": ListOf(DISK), "nics": OneOf((ListOf(NIC), None))}
_CREATION: Final = Body(
    frozenset(OpInstanceCreate.__struct_fields__) | {_VERSION},
    _CREATE_NAMES,
    types={**_DEVICES, _VERSION: Literal[1]},
    needed=frozenset({_VERSION}),
)
_CREATIONS: Final = Body(
    frozenset(OpInstanceMultiAlloc.__struct_fields__),
    types={"instances": list[JsonObject]},
    needed=frozenset({"instances"}),
)


async def _create(call: Call) -> Json:
    """Queue a creation. The form of the request has a number, of which 1 is the only one left."""
    version = call.mapping().get(_VERSION, 0)
    if version == 0:
        raise BadRequest("Instance creation request version 0 is no longer supported")
    if version != 1:
        raise BadRequest(f"Unsupported request data version {str(version)[:80]}")
    body = {name: value for name, value in call.mapping().items() if name != _VERSION}
    found = renamed(body, _CREATE_NAMES)
    if DRY_RUN.name in call.query:
        found["dry_run"] = call.flag(DRY_RUN.name)
    return await call.submit(checked(OpInstanceCreate, found))


async def _create_many(call: Call) -> Json:
    body = call.mapping()
    wanted = body.get("instances")
    if not isinstance(wanted, list):
        raise BadRequest("Request is missing required 'instances' field in body")
    body["instances"] = [_one_of_many(number, one) for number, one in enumerate(wanted)]
    if DRY_RUN.name in call.query:
        body["dry_run"] = call.flag(DRY_RUN.name)
    return await call.submit(checked(OpInstanceMultiAlloc, body))


def _one_of_many(number: int, wanted: Json) -> OpDict:
    if not isinstance(wanted, dict):
        raise BadRequest(f"Invalid body parameters: instances[{number}]: expected an object")
    found = {name: value for name, value in wanted.items() if name not in (_VERSION, "OP_ID")}
    try:
        return checked(OpInstanceCreate, renamed(found, _CREATE_NAMES))
    except OpPrereqError as err:
        raise BadRequest(f"Invalid body parameters: instances[{number}]: {err}") from err


async def _reinstall(call: Call) -> Json:
    """Queue stop, installation and start, in one job."""
    if call.body is not None and ("os" in call.query or "nostartup" in call.query):
        raise BadRequest("Can't combine query and body parameters")
    given = call.mapping()
    unknown = sorted(given.keys() - _REINSTALL.params)
    if unknown:
        raise BadRequest(f"Invalid body parameters: {', '.join(map(repr, unknown))}: unknown")
    start = given.get("start")
    if start is None:
        start = not call.flag("nostartup")
    if not isinstance(start, bool):
        raise BadRequest("Invalid body parameters: 'start': expected a boolean")
    install = {"os_type": given.get("os") or call.text("os"), "osparams": given.get("osparams")}
    name = {_NAME: call.path[_NAME]}
    dry = {"dry_run": True} if call.flag(DRY_RUN.name) else {}
    ops = [
        checked(OpInstanceShutdown, {**name, **dry}),
        checked(OpInstanceReinstall, {**name, **install, **dry}),
    ]
    if start:
        ops.append(checked(OpInstanceStartup, {**name, **dry}))
    return await call.submit(*ops)


_REINSTALL: Final = Body(
    frozenset({"os", "osparams", "start"}),
    types={"os": str, "osparams": JsonObject, "start": bool},
)


async def _console(call: Call) -> Json:
    (console,) = await INSTANCES.one(call, call.path[_NAME], ["console"])
    if console is None:
        raise RapiError(HTTPStatus.SERVICE_UNAVAILABLE, "Instance console unavailable")
    return console


def _this_instance(call: Call) -> Mapping[str, Json]:
    return {"instances": [call.path[_NAME]]}


def _disk(call: Call) -> Mapping[str, Json]:
    index = call.path["disk_index"]
    if not (index.isascii() and index.isdigit()):
        raise NotFound
    # More digits than any number of disks: the declaration of the opcode says what is wrong.
    return {"disk": int(index[:9])}


def _reboot_type(call: Call) -> Mapping[str, Json]:
    return {"reboot_type": call.text("type", "hard")}


def _replacement(call: Call) -> Mapping[str, Json]:
    """What is in the URL, and disks also as a text of numbers with commas."""
    found = {name: value for name in _REPLACING if (value := call.text(name)) is not None}
    if "disks" not in found:
        body = call.mapping()
        if not isinstance(body.get("disks"), str):
            return found
        found["disks"] = body["disks"]
    try:
        numbers = [int(part) for part in found["disks"].split(",")] if found["disks"] else []
    except ValueError:
        raise BadRequest("Invalid disk index passed: expected numbers with commas") from None
    return {**found, "disks": numbers}


_CONSOLE: Final = Method(
    _console, READERS, about="How to reach the instance's console.", result=JsonObject
)
_REPLACING: Final = ("remote_node", "mode", "disks", "iallocator")

RESOURCES: Final = (
    Resource(
        _PATH,
        GET=listing(INSTANCES, LOCK),
        POST=Method(
            _create, WRITERS, (DRY_RUN, REASON), OpInstanceCreate,
            body=_CREATION, result=JobNumber,
        ),
    ),
    Resource(
        "/2/instances-multi-alloc",
        POST=Method(
            _create_many, WRITERS, (DRY_RUN, REASON), OpInstanceMultiAlloc,
            body=_CREATIONS, result=JobNumber,
        ),
    ),
    Resource(
        _INSTANCE,
        GET=single(INSTANCES, _NAME),
        DELETE=job(
            OpInstanceRemove, DRY_RUN, extra=lambda _: {"ignore_failures": False},
            sets=("ignore_failures",),
        ),
    ),
    Resource(
        f"{_INSTANCE}/activate-disks",
        PUT=job(OpInstanceActivateDisks, flag("ignore_size"), body=False),
    ),
    Resource(f"{_INSTANCE}/console", GET=_CONSOLE),
    Resource(
        f"{_INSTANCE}/deactivate-disks",
        PUT=job(OpInstanceDeactivateDisks, flag("force"), body=False),
    ),
    Resource(
        f"{_INSTANCE}/disk/{{disk_index}}/grow",
        POST=job(OpInstanceGrowDisk, extra=_disk, sets=("disk",)),
    ),
    Resource(
        f"{_INSTANCE}/export",
        PUT=job(OpBackupExport, rename={"destination": "target_node"}),
        DELETE=job(OpBackupRemove),
    ),
    Resource(f"{_INSTANCE}/failover", PUT=job(OpInstanceFailover)),
    Resource(
        f"{_INSTANCE}/info",
        GET=job(
            OpInstanceQueryData, flag("static"), body=False, extra=_this_instance,
            sets=("instances",), access=ANYONE,
        ),
    ),
    Resource(f"{_INSTANCE}/migrate", PUT=job(OpInstanceMigrate)),
    Resource(
        f"{_INSTANCE}/modify",
        PUT=job(
            OpInstanceSetParams,
            rename={"custom_beparams": "beparams", "custom_hvparams": "hvparams"},
        ),
    ),
    Resource(
        f"{_INSTANCE}/prepare-export",
        PUT=job(OpBackupPrepare, text("mode"), body=False),
    ),
    Resource(
        f"{_INSTANCE}/reboot",
        POST=job(
            OpInstanceReboot, Arg("type", Read.TEXT), flag("ignore_secondaries"), DRY_RUN,
            extra=_reboot_type, sets=("reboot_type",),
        ),
    ),
    Resource(f"{_INSTANCE}/recreate-disks", POST=job(OpInstanceRecreateDisks)),
    Resource(
        f"{_INSTANCE}/reinstall",
        POST=Method(
            _reinstall, WRITERS,
            (Arg("os", Read.TEXT), Arg("nostartup", Read.FLAG), DRY_RUN, REASON),
            OpInstanceReinstall, body=_REINSTALL, result=JobNumber,
        ),
    ),
    Resource(f"{_INSTANCE}/rename", PUT=job(OpInstanceRename)),
    Resource(
        f"{_INSTANCE}/replace-disks",
        POST=job(
            OpInstanceReplaceDisks, *(Arg(name, Read.TEXT) for name in _REPLACING),
            extra=_replacement, types={"disks": list[DiskIndex] | str},
        ),
    ),
    Resource(
        f"{_INSTANCE}/shutdown",
        PUT=job(OpInstanceShutdown, flag("no_remember"), DRY_RUN),
    ),
    Resource(
        f"{_INSTANCE}/startup",
        PUT=job(OpInstanceStartup, flag("force"), flag("no_remember"), DRY_RUN, body=False),
    ),
    tags(f"{_INSTANCE}/tags", TagKind.INSTANCE, _NAME),
)  # fmt: skip
