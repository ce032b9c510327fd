"""Tags: the same three methods for clusters, nodes, instances, groups and networks."""

from collections.abc import Mapping

from pyganeti.model.enums import TagKind
from pyganeti.opcodes.tags import OpTagsDel, OpTagsSet

from .call import Call, Json
from .resource import DRY_RUN, Arg, Kind, Method, Resource
from .submit import job

_TAG = Arg("tag", Kind.TEXTS, "tags")


def tags(path: str, kind: TagKind, variable: str = "") -> Resource:
    """The resource at ``path``; ``variable`` of it names the object."""

    def whose(call: Call) -> Mapping[str, Json]:
        return {"kind": kind.value, "name": call.path.get(variable, "")}

    async def show(call: Call) -> Json:
        return await call.master.ask("QueryTags", kind.value, call.path.get(variable, ""))

    def change(opcode: type[OpTagsSet] | type[OpTagsDel]) -> Method:
        return job(opcode, _TAG, DRY_RUN, body=False, extra=whose, sets=("kind", "name"))

    shown = Method(show, about="Tags of an object.", result=list[str])
    return Resource(path, GET=shown, PUT=change(OpTagsSet), DELETE=change(OpTagsDel))
