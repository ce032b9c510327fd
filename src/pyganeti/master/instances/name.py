"""Names of instances that are to be made or renamed."""

from ipaddress import ip_address
from typing import Final

from pyganeti.master.nodes import NodeReader
from pyganeti.model.errors import ECode, OpPrereqError
from pyganeti.model.view import ClusterView

MAX_INSTANCE_NAME: Final = 200
"""Of 255 bytes that a file's name may have, what is left beside our endings and temporary names."""


async def check_new_name(
    name: str,
    view: ClusterView,
    nodes: NodeReader,
    *,
    name_check: bool,
    ip_check: bool,
    own: str | None = None,
) -> None:
    """Refuse a name that something else has, or whose address answers.

    Args:
        name: in full.
        view: the cluster.
        nodes: asks the resolver and the address.
        name_check: the resolver knows the name.
        ip_check: its address may not answer.
        own: UUID of the instance that may have it.

    Raises:
        OpPrereqError: too long, taken, in use, or an address; or the checks do not go together.
        ResolverError: it has no address.
    """
    if ip_check and not name_check:
        raise OpPrereqError("cannot do the IP address check without a name check", ECode.INVAL)
    if len(name) > MAX_INSTANCE_NAME:
        text = (
            f"the name of an instance has {MAX_INSTANCE_NAME} characters at most, not {len(name)}"
        )
        raise OpPrereqError(f"{text}: {name}", ECode.INVAL)
    other = view.find_instance(name)
    same = other is not None and other.uuid == own
    if other is not None and other.name == name and not same:
        raise OpPrereqError(f"instance {name} is already in the cluster", ECode.EXISTS)
    if not same:
        _refuse_other_kinds(name, view)
    if not ip_check or (same and other is not None and other.name == name):
        return
    _name, address = await nodes.resolve(name)
    if await nodes.answers(address):
        text = f"address {address} of instance {name} is already in use"
        raise OpPrereqError(text, ECode.NOTUNIQUE)


def _refuse_other_kinds(name: str, view: ClusterView) -> None:
    """Commands and resolvers would take the one for the other."""
    node = view.find_node(name)
    if node is not None and node.name == name:
        raise OpPrereqError(f"{name} is a node of the cluster", ECode.EXISTS)
    if name == view.cluster.cluster_name:
        raise OpPrereqError(f"{name} is the name of the cluster", ECode.EXISTS)
    try:
        ip_address(name)
    except ValueError:
        return
    raise OpPrereqError(f"{name} is an IP address, and no name for an instance", ECode.INVAL)
