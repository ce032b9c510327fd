"""Finding the object that a user's word means.

An instance or node is meant by its UUID, its name, its name in other letters, or the beginning of
its name up to a dot when that is the beginning of one name only. Groups and networks have no short
forms. The middle layer of :class:`~pyganeti.model.view.ClusterView`.
"""

from dataclasses import dataclass
from typing import Final

from pyganeti.kit.shown import cut

from . import index
from .change import Kind
from .errors import ECode, OpPrereqError
from .filter import FilterRule
from .group import NodeGroup
from .index import Index, IndexSpec
from .instance import Instance
from .names import nice_sorted
from .network import Network
from .node import Node
from .snapshot import Snapshot

# Of what is shown as one: a host name has no more.
_LONGEST_NAME: Final = 255


@dataclass(frozen=True, slots=True, eq=False)
class Lookup(Snapshot):
    """A snapshot that knows names."""

    def find_instance(self, word: str) -> Instance | None:
        """The instance that ``word`` means."""
        found = self.instances.get(word)
        if found is None:
            uuid = self._expand(word, index.INSTANCE_NAME, index.INSTANCE_PREFIX)
            found = self.instances[uuid] if uuid else None
        return found

    def instance(self, word: str) -> Instance:
        """The instance that ``word`` means.

        Raises:
            OpPrereqError: ``ECode.NOENT``, none or more than one.
        """
        found = self.find_instance(word)
        if found is None:
            matches = [self.instances[u].name for u in self._prefixed(word, index.INSTANCE_PREFIX)]
            raise _unknown("Instance", word, matches)
        return found

    def find_node(self, word: str) -> Node | None:
        """The node that ``word`` means."""
        found = self.nodes.get(word)
        if found is None:
            uuid = self._expand(word, index.NODE_NAME, index.NODE_PREFIX)
            found = self.nodes[uuid] if uuid else None
        return found

    def node(self, word: str) -> Node:
        """The node that ``word`` means.

        Raises:
            OpPrereqError: ``ECode.NOENT``, none or more than one.
        """
        found = self.find_node(word)
        if found is None:
            matches = [self.nodes[u].name for u in self._prefixed(word, index.NODE_PREFIX)]
            raise _unknown("Node", word, matches)
        return found

    def find_group(self, word: str) -> NodeGroup | None:
        """The node group of this UUID or name."""
        by_name = (group for group in self.groups.values() if group.name == word)
        return self.groups.get(word) or next(by_name, None)

    def group(self, word: str) -> NodeGroup:
        """The node group of this UUID or name.

        Raises:
            OpPrereqError: ``ECode.NOENT``, there is none.
        """
        found = self.find_group(word)
        if found is None:
            raise _unknown("Node group", word)
        return found

    def find_network(self, word: str) -> Network | None:
        """The network of this UUID or name."""
        by_name = (network for network in self.networks.values() if network.name == word)
        return self.networks.get(word) or next(by_name, None)

    def network(self, word: str) -> Network:
        """The network of this UUID or name.

        Raises:
            OpPrereqError: ``ECode.NOENT``, there is none.
        """
        found = self.find_network(word)
        if found is None:
            raise _unknown("Network", word)
        return found

    def filter(self, uuid: str) -> FilterRule:
        """The job filter of this UUID.

        Raises:
            OpPrereqError: ``ECode.NOENT``, there is none.
        """
        found = self.filters.get(uuid)
        if found is None:
            raise _unknown("Job filter", uuid)
        return found

    def all_instances(self) -> list[Instance]:
        """Instances in natural order of their names."""
        return [self.instances[uuid] for uuid in self.order(Kind.INSTANCE)]

    def all_nodes(self) -> list[Node]:
        """Nodes in natural order of their names."""
        return [self.nodes[uuid] for uuid in self.order(Kind.NODE)]

    def all_groups(self) -> list[NodeGroup]:
        """Node groups in natural order of their names."""
        return [self.groups[uuid] for uuid in self.order(Kind.NODEGROUP)]

    def all_networks(self) -> list[Network]:
        """Networks in natural order of their names."""
        return [self.networks[uuid] for uuid in self.order(Kind.NETWORK)]

    def _expand(self, word: str, names: IndexSpec, prefixes: IndexSpec) -> str | None:
        exact = _only(self._index(names), word)
        if exact or not word:
            return exact
        # Fully qualified with a final dot, as names may be given.
        word = word.removesuffix(".")
        matches = self._prefixed(word, prefixes)
        objects = self.objects(prefixes.kind)
        same = [u for u in matches if str(getattr(objects[u], "name", "")).lower() == word.lower()]
        if len(same) == 1:
            return same[0]
        return next(iter(matches)) if len(matches) == 1 else None

    def _prefixed(self, word: str, prefixes: IndexSpec) -> frozenset[str]:
        return self._index(prefixes).get(word.lower(), frozenset())


def _only(names: Index, word: str) -> str | None:
    matches = names.get(word, frozenset())
    return next(iter(matches)) if len(matches) == 1 else None


def _unknown(what: str, word: str, matches: list[str] | None = None) -> OpPrereqError:
    several = f", it may mean {', '.join(nice_sorted(matches))}" if matches else ""
    text = f"{what} '{cut(word, _LONGEST_NAME)}' not known{cut(several)}"
    return OpPrereqError(text, ECode.NOENT)
