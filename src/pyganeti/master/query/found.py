"""Definitions that nodes keep, compared: what OSes and storage providers have in common.

    node -> definitions found there  ->  name -> node -> definitions

All nodes that can have instances are asked, offline ones are not; one that does not answer is left
out of the comparison.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from pyganeti.kit.shown import cut
from pyganeti.model.errors import ECode, GenericError, OpPrereqError
from pyganeti.model.names import nice_sorted
from pyganeti.model.view import ClusterView

from .fields import Field, Need, table
from .live import LiveReader
from .sources import Sources

T = TypeVar("T")


class Definition(Protocol):
    """What a node says of a definition."""

    @property
    def name(self) -> str:
        """Its name."""
        ...

    @property
    def valid(self) -> bool:
        """Whether it can be used."""
        ...


InfoT = TypeVar("InfoT", bound=Definition)
Answers = Mapping[str, Sequence[InfoT] | GenericError]


@dataclass(frozen=True, slots=True)
class Found(Generic[InfoT]):
    """One name.

    Attributes:
        on: by UUID of each node that answered; several in the order in which they are looked for.
    """

    name: str
    on: Mapping[str, Sequence[InfoT]]

    @property
    def used(self) -> list[InfoT]:
        """The one that each node would use, where there is one."""
        return [infos[0] for infos in self.on.values() if infos]

    def is_valid_on(self, nodes: Iterable[str]) -> bool:
        """Whether each of these nodes that answered can use it."""
        asked = [self.on[uuid] for uuid in nodes if uuid in self.on]
        return all(infos and infos[0].valid for infos in asked)

    @property
    def valid(self) -> bool:
        """Whether all nodes that answered can use it."""
        return bool(self.used) and self.is_valid_on(self.on)

    def common(self, get: Callable[[InfoT], Iterable[T]]) -> set[T]:
        """What all those in use have."""
        sets = [set(get(info)) for info in self.used]
        return set.intersection(*sets) if sets else set()


def _compared(
    answers: Answers[InfoT], names: Sequence[object] | None, what: str
) -> list[Found[InfoT]]:
    """What the nodes answered, by name: those asked for in this order, or all in natural order.

    Raises:
        OpPrereqError: ``ECode.NOENT``, no node has one of them.
    """
    answered = {
        uuid: answer for uuid, answer in answers.items() if not isinstance(answer, GenericError)
    }
    known = {info.name for infos in answered.values() for info in infos}
    for name in names or ():
        if name not in known:
            raise OpPrereqError(f"{what} '{cut(str(name))}' not found", ECode.NOENT)
    return [
        Found(
            name,
            {
                uuid: [info for info in infos if info.name == name]
                for uuid, infos in answered.items()
            },
        )
        for name in (nice_sorted(known) if names is None else map(str, names))
    ]


class FoundResource(Generic[InfoT]):
    """Queries of definitions.

    Args:
        what: they are called.
        fields: in the order of their declaration.
        ask: gives each node's definitions, or why there are none.
    """

    name_field = "name"

    def __init__(
        self,
        what: str,
        fields: Iterable[Field[Found[InfoT], ClusterView]],
        ask: Callable[[LiveReader, ClusterView, list[str]], Awaitable[Answers[InfoT]]],
    ) -> None:
        self._what = what
        self.fields = table(fields)
        self._ask = ask

    async def items(
        self, sources: Sources, names: Sequence[object] | None, used: frozenset[str]
    ) -> list[Found[InfoT]]:
        """See :class:`~.engine.Resource`."""
        view = sources.view
        asked = [node.uuid for node in view.online_nodes() if node.vm_capable]
        return _compared(await self._ask(sources.live, view, asked), names, self._what)

    async def context(
        self, sources: Sources, items: list[Found[InfoT]], needs: frozenset[Need]
    ) -> ClusterView:
        """See :class:`~.engine.Resource`."""
        return sources.view
