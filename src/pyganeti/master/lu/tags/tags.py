"""Tags of the cluster, groups, nodes, instances and networks. Source: the tag commands of gnt-*."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from pyganeti.kit.clock import monotonic
from pyganeti.kit.patterns import Pattern, PatternError, PatternTooSlow
from pyganeti.kit.shown import shown
from pyganeti.master.changes import change_tags
from pyganeti.master.jobs.journal import Undo
from pyganeti.master.jobs.run import Run, undo
from pyganeti.master.locks import LockRequest
from pyganeti.master.lu.base import LogicalUnit
from pyganeti.master.nodes import NodeReader
from pyganeti.model.change import Change, kind_of
from pyganeti.model.cluster import Cluster
from pyganeti.model.enums import TagKind
from pyganeti.model.errors import ECode, OpExecError, OpPrereqError, TagError
from pyganeti.model.group import NodeGroup
from pyganeti.model.instance import Instance
from pyganeti.model.names import check_tags
from pyganeti.model.network import Network
from pyganeti.model.node import Node
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.tags import OpTagsDel, OpTagsGet, OpTagsSearch, OpTagsSet

MAX_TAGS: Final = 4096
# For all tags of the cluster: an expression may take exponentially long on one.
SEARCH_S: Final = 0.5

Tagged = Cluster | NodeGroup | Node | Instance | Network


@dataclass(frozen=True, slots=True)
class TagsPlan:
    """The object, and the tags to add, remove or answer."""

    target: Tagged
    tags: tuple[str, ...]


def _target(op: OpTagsSet | OpTagsDel | OpTagsGet, view: ClusterView) -> Tagged:
    name = op.name or ""
    match op.kind:
        case TagKind.CLUSTER:
            return view.cluster
        case TagKind.NODE:
            return view.node(name)
        case TagKind.INSTANCE:
            return view.instance(name)
        case TagKind.NODEGROUP:
            return view.group(name)
        case TagKind.NETWORK:
            return view.network(name)


def _locks(target: Tagged) -> LockRequest:
    match target:
        case Instance():
            return LockRequest(instances=frozenset({target.name}))
        case Node():
            return LockRequest(nodes=frozenset({target.uuid}))
        case NodeGroup():
            return LockRequest(groups=frozenset({target.uuid}))
        case Network():
            return LockRequest(networks=frozenset({target.uuid}))
        case Cluster():
            return LockRequest()


def _check_count(target: Tagged, add: Iterable[str]) -> None:
    """Refuse more tags than an object may have.

    Raises:
        TagError: they are too many.
    """
    count = len(frozenset(target.tags).union(add))
    if count > MAX_TAGS:
        raise TagError(f"{count} tags are more than the {MAX_TAGS} allowed")


async def _put(
    run: Run, target: Tagged, *, add: Sequence[str] = (), remove: Sequence[str] = ()
) -> None:
    change = change_tags(kind_of(target), target.uuid, add=add, remove=remove)

    def checked(view: ClusterView) -> Change:
        now = view.find_object(kind_of(target), target.uuid)
        if not isinstance(now, Tagged):
            raise OpPrereqError("the object is gone", ECode.NOENT)
        _check_count(now, add)
        return change(view)

    async with run.step("record tags", _back(target, add, remove)):
        await run.config.commit(checked)


def _back(target: Tagged, add: Sequence[str], remove: Sequence[str]) -> Undo | None:
    """What puts the tags back as they were.

    The cluster's are changed without a lock, so that another job may count already on what this
    one added: there, asking again is the way out.
    """
    if isinstance(target, Cluster):
        return None
    new = [tag for tag in add if tag not in target.tags]
    return undo("tags.change", kind=kind_of(target), uuid=target.uuid, add=remove, remove=new)


class LUTagsSet(LogicalUnit[OpTagsSet, TagsPlan, None]):
    """Add tags; those that are there stay."""

    def declare_locks(self, op: OpTagsSet, view: ClusterView) -> LockRequest:
        """Lock the object."""
        return _locks(_target(op, view))

    async def check_prereq(self, op: OpTagsSet, view: ClusterView, nodes: NodeReader) -> TagsPlan:
        """Refuse malformed tags, and too many.

        Raises:
            TagError: what is wrong with them.
        """
        plan = TagsPlan(_target(op, view), check_tags(op.tags))
        _check_count(plan.target, plan.tags)
        return plan

    def outline(self, plan: TagsPlan, view: ClusterView) -> list[str]:
        """See :meth:`LogicalUnit.outline`."""
        return [f"add tag {tag}" for tag in plan.tags if tag not in plan.target.tags]

    async def execute(self, run: Run, plan: TagsPlan) -> None:
        """Record them."""
        await _put(run, plan.target, add=plan.tags)


class LUTagsDel(LogicalUnit[OpTagsDel, TagsPlan, None]):
    """Remove tags."""

    def declare_locks(self, op: OpTagsDel, view: ClusterView) -> LockRequest:
        """Lock the object."""
        return _locks(_target(op, view))

    async def check_prereq(self, op: OpTagsDel, view: ClusterView, nodes: NodeReader) -> TagsPlan:
        """Refuse tags that are not there.

        Raises:
            OpPrereqError: ``ECode.NOENT``.
        """
        target, tags = _target(op, view), check_tags(op.tags)
        missing = sorted(set(tags) - set(target.tags))
        if missing:
            text = f"tag(s) not found: {', '.join(missing)}"
            raise OpPrereqError(text, ECode.NOENT)
        return TagsPlan(target, tags)

    def outline(self, plan: TagsPlan, view: ClusterView) -> list[str]:
        """See :meth:`LogicalUnit.outline`."""
        return [f"remove tag {tag}" for tag in plan.tags]

    async def execute(self, run: Run, plan: TagsPlan) -> None:
        """Record it."""
        await _put(run, plan.target, remove=plan.tags)


class LUTagsGet(LogicalUnit[OpTagsGet, TagsPlan, list[str]]):
    """Answer an object's tags."""

    def declare_locks(self, op: OpTagsGet, view: ClusterView) -> LockRequest:
        """Nothing: a snapshot does not change."""
        return LockRequest()

    async def check_prereq(self, op: OpTagsGet, view: ClusterView, nodes: NodeReader) -> TagsPlan:
        """Refuse an unknown object."""
        target = _target(op, view)
        return TagsPlan(target, target.tags)

    async def execute(self, run: Run, plan: TagsPlan) -> list[str]:
        """Answer."""
        return list(plan.tags)


@dataclass(frozen=True, slots=True)
class SearchPlan:
    """The pattern, and where to look."""

    pattern: Pattern


class LUTagsSearch(LogicalUnit[OpTagsSearch, SearchPlan, list[tuple[str, str]]]):
    """All tags that a regular expression matches, as ``(path of the object, tag)``."""

    def declare_locks(self, op: OpTagsSearch, view: ClusterView) -> LockRequest:
        """Nothing: a snapshot does not change."""
        return LockRequest()

    async def check_prereq(
        self, op: OpTagsSearch, view: ClusterView, nodes: NodeReader
    ) -> SearchPlan:
        """Refuse what is no regular expression.

        Raises:
            OpPrereqError: ``ECode.INVAL``.
        """
        try:
            return SearchPlan(Pattern(op.pattern))
        except PatternError as err:
            text = f"invalid search pattern {op.pattern!r}: {err}"
            raise OpPrereqError(text, ECode.INVAL) from err

    async def execute(self, run: Run, plan: SearchPlan) -> list[tuple[str, str]]:
        """Search.

        Raises:
            OpExecError: the expression takes too long.
        """
        view = run.config.view
        places: list[tuple[str, tuple[str, ...]]] = [("/cluster", view.cluster.tags)]
        places += [(f"/instances/{item.name}", item.tags) for item in view.all_instances()]
        places += [(f"/nodes/{item.name}", item.tags) for item in view.all_nodes()]
        places += [(f"/nodegroup/{item.name}", item.tags) for item in view.all_groups()]
        places += [(f"/network/{item.name}", item.tags) for item in view.all_networks()]
        end = monotonic() + SEARCH_S
        try:
            return [
                (path, tag)
                for path, tags in places
                for tag in tags
                if plan.pattern.search(tag, max(end - monotonic(), 0.001))
            ]
        except PatternTooSlow as err:
            text = f"the expression {shown(plan.pattern.text)} takes too long on the cluster's tags"
            raise OpExecError(text) from err
