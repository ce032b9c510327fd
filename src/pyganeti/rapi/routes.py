"""Every resource, and how a path finds its own. Pure.

    path, verb -> Table.find -> resource, method, variables

The path is looked at as it was sent: it is cut at its slashes first and decoded then, so that an
encoded slash is no slash.
"""

import re
from collections.abc import Iterable
from http import HTTPStatus
from typing import Final, NamedTuple
from urllib.parse import unquote

from . import cluster, events, filters, groups, instances, jobs, networks, nodes, query
from .described import described
from .resource import Method, Resource
from .status import NotFound, RapiError

RESOURCES: Final = (
    *cluster.RESOURCES,
    *filters.RESOURCES,
    *groups.RESOURCES,
    *instances.RESOURCES,
    *jobs.RESOURCES,
    *networks.RESOURCES,
    *nodes.RESOURCES,
    *query.RESOURCES,
)
# What Ganeti has not.
ADDED: Final = (*described(lambda: EVERY), *events.RESOURCES)
EVERY: Final[tuple[Resource, ...]] = (*RESOURCES, *ADDED)
# Of names and UUIDs; what holds anything else is the name of nothing.
_VALUE: Final = re.compile(r"[\w.-]{1,1024}", re.ASCII)
# A path with nothing where its variables are.
_Form = tuple[str | None, ...]


class Found(NamedTuple):
    """What a request asks for."""

    resource: Resource
    method: Method
    path: dict[str, str]


class Table:
    """Paths and what they lead to.

    Args:
        resources: no two of them of the same form.
    """

    def __init__(self, resources: Iterable[Resource] = EVERY) -> None:
        self._by_form: dict[_Form, Resource] = {
            tuple(map(_form, one.parts)): one for one in resources
        }
        self._forms: dict[int, list[tuple[_Form, Resource]]] = {}
        for form, resource in self._by_form.items():
            self._forms.setdefault(len(form), []).append((form, resource))

    def find(self, verb: str, path: str) -> Found:
        """What ``path`` leads to.

        Args:
            verb: of HTTP.
            path: as sent, without arguments.

        Raises:
            NotFound: nothing.
            RapiError: 501, it has no such method.
        """
        resource, variables = self._resource(path)
        method = resource.methods().get(verb)
        if method is None:
            text = f"Method {verb[:20]} is unsupported for path {path[:200]}"
            raise RapiError(HTTPStatus.NOT_IMPLEMENTED, text)
        return Found(resource, method, variables)

    def _resource(self, path: str) -> tuple[Resource, dict[str, str]]:
        parts = tuple(path.split("/"))
        if found := self._by_form.get(parts):
            return found, {}
        for form, resource in self._forms.get(len(parts), ()):
            if all(mine in (None, theirs) for mine, theirs in zip(form, parts, strict=True)):
                variables = _variables(resource, parts)
                if variables:
                    return resource, variables
        raise NotFound


def _form(part: str) -> str | None:
    return None if part.startswith("{") else part


def _variables(resource: Resource, parts: tuple[str, ...]) -> dict[str, str]:
    """Values of the variables, or nothing when one is no name."""
    found = {}
    for mine, theirs in zip(resource.parts, parts, strict=True):
        if mine.startswith("{"):
            value = unquote(theirs, errors="replace")
            if not _VALUE.fullmatch(value):
                return {}
            found[mine[1:-1]] = value
    return found
