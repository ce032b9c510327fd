"""The cluster itself: what it is, its settings and its tags; and what this interface can do."""

from dataclasses import replace
from http import HTTPStatus
from typing import Final

from pyganeti.model.enums import TagKind
from pyganeti.model.versions import RAPI_VERSION
from pyganeti.opcodes.cluster import OpClusterRedistConf, OpClusterSetParams
from pyganeti.opcodes.os import OpOsDiagnose

from .call import Call, Json
from .cluster_shape import CLUSTER
from .resource import BULK, Method, Resource
from .status import RapiError
from .submit import checked, job
from .tags import tags

# By these words clients know what they may send.
FEATURES: Final = (
    "instance-create-reqv1", "node-migrate-reqv1", "instance-reinstall-reqv1", "node-evac-res1",
)  # fmt: skip
# In place of the settings' names, as they were called before.
_OLD_NAMES: Final = {"vg_name": "volume_group_name", "drbd_helper": "drbd_usermode_helper"}
# Whoever may set it makes all nodes run a program of their choice.
_FORBIDDEN: Final = "compression_tools"
_OS_FIELDS: Final = ("name", "variants")
_ENDED: Final = ("success", "error", "canceled")
_WAIT_S: Final = 30


async def _nothing(_call: Call) -> Json:
    return None


async def _version(_call: Call) -> Json:
    return RAPI_VERSION


async def _features(_call: Call) -> Json:
    return list(FEATURES)


async def _info(call: Call) -> Json:
    found = await call.master.ask("QueryClusterInfo")
    return {**found, **{old: found.get(new) for old, new in _OLD_NAMES.items()}}


async def _systems(call: Call) -> Json:
    """Names of OSes with their variants. Nodes are asked, so a job does it."""
    fields = {"output_fields": list(_OS_FIELDS)}
    job_id = await call.submit(checked(OpOsDiagnose, fields))
    known: Json = None
    while known is None or known[0] not in _ENDED:
        found = await call.master.wait(job_id, ["status"], known, None, _WAIT_S)
        known = known if found == "nochange" else found[0]
    (row,) = await call.master.ask("QueryJobs", [job_id], ["opresult"])
    if known[0] != "success":
        text = f"Job {job_id}, which looks for operating systems, ended as {known[0]}"
        raise RapiError(HTTPStatus.INTERNAL_SERVER_ERROR, text)
    return [name for os_name, variants in row[0][0] for name in _names(os_name, variants)]


def _names(name: str, variants: list[str]) -> list[str]:
    return [f"{name}+{variant}" for variant in variants] if variants else [name]


def _settings() -> Method:
    change = job(OpClusterSetParams, without=(_FORBIDDEN,))

    async def answer(call: Call) -> Json:
        if _FORBIDDEN in call.mapping():
            text = f"The parameter {_FORBIDDEN} cannot be set via RAPI"
            raise RapiError(HTTPStatus.FORBIDDEN, text)
        return await change.answer(call)

    return replace(change, answer=answer)


_ROOT: Final = Method(_nothing, about="Nothing: there is an API here.", result=None)
_SYSTEMS: Final = Method(
    _systems,
    query=(BULK,),
    opcode=OpOsDiagnose,
    about="Operating systems that can be installed, with their variants.",
    result=list[str],
)
_VERSION: Final = Method(_version, about="The version of this API.", result=int)

RESOURCES: Final = (
    Resource("/", GET=_ROOT),
    Resource("/2", GET=_ROOT),
    Resource(
        "/2/features",
        GET=Method(_features, about="What bodies may hold, in words.", result=list[str]),
    ),
    Resource("/2/info", GET=Method(_info, about="The cluster's settings.", result=CLUSTER)),
    Resource("/2/modify", PUT=_settings()),
    Resource("/2/os", GET=_SYSTEMS),
    Resource("/2/redistribute-config", PUT=job(OpClusterRedistConf, body=False)),
    tags("/2/tags", TagKind.CLUSTER),
    Resource("/version", GET=_VERSION),
)
