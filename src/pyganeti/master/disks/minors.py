"""DRBD minors that running jobs have chosen, before the configuration knows of them."""

from itertools import count

from pyganeti.model.view import ClusterView


class Minors:
    """Chooses minors: nobody gets one that is taken, or that another job was given.

    What a master that died had given away is free again once its jobs are unwound.
    """

    def __init__(self) -> None:
        self._given: dict[int, set[tuple[str, int]]] = {}

    def take(self, job: int, node_uuid: str, view: ClusterView) -> int:
        """The lowest free minor of a node, for ``job`` until its opcode ends."""
        taken = view.used_minors(node_uuid)
        given = {one for ours in self._given.values() for one in ours}
        minor = next(n for n in count() if n not in taken and (node_uuid, n) not in given)
        self._given.setdefault(job, set()).add((node_uuid, minor))
        return minor

    def release(self, job: int) -> None:
        """Forget what ``job`` was given: the configuration has it, or it is not needed."""
        self._given.pop(job, None)
