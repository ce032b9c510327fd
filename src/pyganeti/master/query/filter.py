"""Fields of job filters."""

from collections.abc import Sequence
from typing import Final

from pyganeti.model.filter import FilterRule

from .fields import Field, FieldKind, Need, table
from .sources import Sources

_OTHER: Final = FieldKind.OTHER

_FIELDS: Final[Sequence[Field[FilterRule, None]]] = [
    Field("action", "Action", _OTHER, "What happens to matching jobs", lambda f, _: f.action),
    Field("predicates", "Predicates", _OTHER, "What jobs must match", lambda f, _: f.predicates),
    Field(
        "priority", "Priority", _OTHER, "Rules apply in ascending order", lambda f, _: f.priority
    ),
    Field("reason_trail", "ReasonTrail", _OTHER, "Why it was made", lambda f, _: f.reason_trail),
    Field("uuid", "UUID", _OTHER, "UUID of the filter", lambda f, _: f.uuid),
    Field(
        "watermark", "Watermark", _OTHER, "Last job id when it was made", lambda f, _: f.watermark
    ),
]


def order(rule: FilterRule) -> tuple[int, int, str]:
    """The order in which rules apply."""
    return rule.priority, rule.watermark, rule.uuid


class FilterResource:
    """Queries of job filters."""

    name_field = "uuid"
    fields = table(_FIELDS)

    async def items(
        self, sources: Sources, names: Sequence[object] | None, used: frozenset[str]
    ) -> list[FilterRule]:
        """See :class:`~.engine.Resource`."""
        if names is None:
            return sorted(sources.view.filters.values(), key=order)
        return [sources.view.filter(str(name)) for name in names]

    async def context(
        self, sources: Sources, items: list[FilterRule], needs: frozenset[Need]
    ) -> None:
        """See :class:`~.engine.Resource`."""


FILTERS: Final = FilterResource()
