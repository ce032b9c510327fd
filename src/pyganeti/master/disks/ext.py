"""Disks of external storage: what is asked of a provider, and whether a node can have it.

Source: gnt-instance(8) ADD; ganeti-extstorage-interface(7).
"""

from collections.abc import Iterable, Mapping

from pyganeti.master.instances.guests import refused_by
from pyganeti.master.nodes import NodeReader
from pyganeti.model.disk import Disk
from pyganeti.model.enums import DiskAccess, DiskTemplate
from pyganeti.model.errors import ECode, GenericError, OpPrereqError
from pyganeti.model.node import Node
from pyganeti.opcodes.devices import IDiskParams
from pyganeti.wire.noderpc.os import ExtStorageValidateCall

# A provider, and the parameters of one volume.
Wanted = tuple[str, Mapping[str, object]]

_ACCESS = "access"


def disk_params(what: str, asked: IDiskParams, template: DiskTemplate) -> dict[str, str]:
    """The parameters that a new disk has of its own; ``what`` names it in messages.

    Raises:
        OpPrereqError: ``ECode.INVAL``, one is not for disks of this template, or is no text.
    """
    if template is DiskTemplate.EXT and not asked.provider:
        text = f"{what}: no provider given, name one with provider=NAME"
        raise OpPrereqError(text, ECode.INVAL)
    if asked.opaque and template is not DiskTemplate.EXT:
        raise OpPrereqError(f"{what}: unknown parameter {min(asked.opaque)!r}", ECode.INVAL)
    found = provider_params(what, asked)
    if asked.access is not None:
        if asked.access not in set(DiskAccess):
            text = f"{what}: 'access' has the value {asked.access!r}"
            raise OpPrereqError(f"{text}, expected one of {', '.join(DiskAccess)}", ECode.INVAL)
        found[_ACCESS] = asked.access
    return found


def provider_params(what: str, asked: IDiskParams) -> dict[str, str]:
    """What is asked of the provider of a disk; ``what`` names it in messages.

    Raises:
        OpPrereqError: ``ECode.INVAL``, one is no text.
    """
    found: dict[str, str] = {}
    for name, value in asked.opaque.items():
        if isinstance(value, bool) or not isinstance(value, str | int):
            text = f"{what}: parameter {name!r} of the provider has the value {value!r}"
            raise OpPrereqError(f"{text}, expected a text", ECode.INVAL)
        found[name] = str(value)
    return found


def wanted_of(disks: Iterable[Disk]) -> list[Wanted]:
    """What disks want of providers; those of other templates want nothing."""
    return [
        (str(disk.logical_id[0]), disk.params or {})
        for disk in disks
        if disk.dev_type is DiskTemplate.EXT
    ]


async def check_providers(nodes: NodeReader, node: Node, wanted: Iterable[Wanted]) -> set[str]:
    """Refuse what the providers of a node do not take; the optional scripts that all have.

    Raises:
        OpPrereqError: ``ECode.INVAL``, one is missing, broken, or refuses parameters;
            ``ECode.ENVIRON``, the node does not answer.
    """
    scripts: set[str] | None = None
    for provider, params in wanted:
        own = {name: value for name, value in params.items() if name != _ACCESS}
        call = ExtStorageValidateCall(provider=provider, params=own)
        try:
            found = await nodes.call(node.uuid, call)
        except GenericError as err:
            raise refused_by(node, err, ECode.INVAL) from err
        scripts = set(found) if scripts is None else scripts & set(found)
    return scripts or set()
