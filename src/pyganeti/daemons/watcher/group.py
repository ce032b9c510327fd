"""What the watcher does on the master for one node group.

question -> starts and clean-ups -> disks of booted nodes -> disks that are not active
"""

import logging
from collections.abc import Iterable
from typing import Any, Final

from pyganeti.daemons.watcher import plan
from pyganeti.daemons.watcher.plan import SeenInstance, SeenNode, Task
from pyganeti.daemons.watcher.state import GroupState
from pyganeti.kit.clock import now
from pyganeti.kit.files import write_atomic
from pyganeti.kit.paths import Paths
from pyganeti.model.errors import GenericError
from pyganeti.wire.luxi.client import LuxiClient, OpDict

_log = logging.getLogger(__name__)

_INSTANCE_FIELDS: Final = ["name", "status", "disks_active", "pnode", "snodes"]
_NODE_FIELDS: Final = ["name", "uuid", "offline", "bootid"]
# Status of a field that has its value.
_NORMAL: Final = 0
_SOURCE: Final = "gnt:watcher"
STATUS_MODE: Final = 0o644


class Group:
    """A node group with its memory.

    Args:
        paths: of this node.
        client: the master.
        uuid: of the group.
    """

    def __init__(self, paths: Paths, client: LuxiClient, uuid: str) -> None:
        self._paths = paths
        self._client = client
        self._uuid = uuid
        self._state = GroupState.load(paths.watcher_state(uuid))

    def watch(self, *, verify_disks: bool, strict: bool) -> bool:
        """Look, and mend what can be mended; whether all jobs succeeded.

        Args:
            verify_disks: look for disks that are not active, too.
            strict: nodes that do not answer are errors in that.

        Raises:
            GenericError: the master does not answer.
            OSError: what is remembered cannot be written.
        """
        instances, nodes = self._instances(), self._nodes()
        self._state.keep_only({one.name for one in instances}, {one.name for one in nodes})
        _write_status(self._paths.watcher_status(self._uuid), instances)
        for name in plan.given_up(instances, self._state, now()):
            _log.warning("instance %s was started too often and is left alone", name)
        started = plan.starts(instances, self._state, now())
        # Before anything is done: a watcher that is killed has still used up the tries.
        self._state.save()
        well = self._do([*plan.cleanups(instances), *started])
        done = {task.instance for task in started}

        booted = plan.booted(nodes, self._state)
        activations = plan.activations(instances, booted, done)
        for node in booted:
            _log.info("node %s was booted", node.name)
        if self._do(activations):
            for node in booted:
                self._state.knows_boot(node.name, node.boot_id or "")
            self._state.save()
        else:
            well = False
        done |= {task.instance for task in activations}
        if verify_disks:
            well &= self._verify_disks(done, nodes, strict=strict)
        return well

    def _instances(self) -> list[SeenInstance]:
        rows = self._rows("instance", _INSTANCE_FIELDS, ["==", "pnode.group.uuid", self._uuid])
        return [
            SeenInstance(name, status, bool(active), (pnode, *(snodes or ())))
            for name, status, active, pnode, snodes in rows
        ]

    def _nodes(self) -> list[SeenNode]:
        rows = self._rows("node", _NODE_FIELDS, ["==", "group.uuid", self._uuid])
        return [
            SeenNode(name, uuid, boot_id) for name, uuid, offline, boot_id in rows if not offline
        ]

    def _rows(self, what: str, fields: list[str], qfilter: object) -> Iterable[list[Any]]:
        """Values by row, ``None`` for those that could not be had. Any: each field has its type."""
        answer = self._client.query(what, fields, qfilter)
        return [
            [value if status == _NORMAL else None for status, value in row]
            for row in answer["data"]
        ]

    def _do(self, tasks: list[Task]) -> bool:
        """Run jobs side by side; whether all succeeded."""
        if not tasks:
            return True
        for task in tasks:
            _log.info("instance %s: %s", task.instance, task.why)
        taken = self._client.submit_many_jobs([[_with_reason(task.op, task.why)] for task in tasks])
        well = True
        for task, (accepted, job) in zip(tasks, taken, strict=True):
            try:
                if not accepted:
                    raise GenericError(str(job))
                self._client.wait_for_end(job)
            except GenericError as err:
                _log.error("instance %s: could not %s: %s", task.instance, task.why, err)
                well = False
        return well

    def _verify_disks(self, done: set[str], nodes: Iterable[SeenNode], *, strict: bool) -> bool:
        op: OpDict = {
            "OP_ID": "OP_GROUP_VERIFY_DISKS",
            "group_name": self._uuid,
            "is_strict": strict,
        }
        job = self._client.submit_job([_with_reason(op, "verify disks")])
        try:
            ((errors, inactive, missing),) = self._client.wait_for_end(job)
        except GenericError as err:
            _log.error("could not verify disks: %s", err)
            return False
        names = {node.uuid: node.name for node in nodes}
        for uuid, text in errors.items():
            _log.error("node %s: could not verify disks: %s", names.get(uuid, uuid), text)
        for name in missing:
            _log.error("instance %s lacks volumes: replace or recreate its disks", name)
        why = "activate disks that are not active"
        mended = [name for name in inactive if name not in missing and name not in done]
        well = self._do([plan.activation(name, why) for name in mended])
        return well and not errors and not missing


def _with_reason(op: OpDict, why: str) -> OpDict:
    return {**op, "reason": [[_SOURCE, why, int(now() * 1_000_000_000)]]}


def _write_status(path: str, instances: Iterable[SeenInstance]) -> None:
    """Write ``NAME STATUS`` lines, for programs of the site that look at them."""
    text = "".join(f"{one.name} {one.status}\n" for one in sorted(instances, key=_by_name))
    write_atomic(path, text.encode(), mode=STATUS_MODE)


def _by_name(instance: SeenInstance) -> str:
    return instance.name
