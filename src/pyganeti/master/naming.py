"""Names of new node groups and networks. Pure."""

from typing import Final

from pyganeti.model.change import Kind
from pyganeti.model.errors import ECode, OpPrereqError
from pyganeti.model.view import ClusterView

_LONGEST: Final = 255
_WHAT: Final = {Kind.NODEGROUP: "node group", Kind.NETWORK: "network"}


def check_free(kind: Kind, name: str, view: ClusterView) -> None:
    """Refuse a name that another object of the kind has, as its name or as its UUID.

    Asked again on the newest configuration, when the name is recorded.

    Raises:
        OpPrereqError: ``ECode.EXISTS``.
    """
    found = view.find_group(name) if kind is Kind.NODEGROUP else view.find_network(name)
    if found is not None:
        text = f"there is a {_WHAT[kind]} {name!r} already (UUID {found.uuid})"
        raise OpPrereqError(text, ECode.EXISTS)


def check_new_name(kind: Kind, name: str, view: ClusterView) -> None:
    """Refuse a name that is taken, or that lists and files could not show as one word in a line.

    Raises:
        OpPrereqError: says which.
    """
    if not name.isprintable() or name != name.strip() or len(name) > _LONGEST:
        text = f"{name!r} cannot be the name of a {_WHAT[kind]}"
        why = f"expected up to {_LONGEST} printable characters, no blanks around them"
        raise OpPrereqError(f"{text}: {why}", ECode.INVAL)
    check_free(kind, name, view)
