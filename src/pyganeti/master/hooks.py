"""Runs the hooks of operations on their nodes.

Called by the processor around ``execute``. A failing pre-hook ends the operation before anything
was done; an unreachable node does not, and post-hooks are only reported. Source: hook facts.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from pyganeti.master.config_hooks import CONFIG_UPDATE
from pyganeti.master.lu.base import HookContext, HookFailure, HooksReport, LogicalUnit
from pyganeti.model.errors import GenericError, HooksAbort, NodeCallError
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.base import Opcode
from pyganeti.wire.noderpc.node import HooksRunnerCall
from pyganeti.wire.noderpc.types import HookOutcome

if TYPE_CHECKING:
    from pyganeti.master.jobs.run import Run

_HOOKS_VERSION: Final = "2"
_PATH: Final = "/sbin:/bin:/usr/sbin:/usr/bin"

# Any: hooks care for a Logical Unit's plan only to hand it back to it.
AnyLU = LogicalUnit[Any, Any, Any]


class HookRunner:
    """Runs pre- and post-hooks.

    Args:
        data_dir: ``GANETI_DATA_DIR``.
        has_config_hooks: whether the master may have hooks of ``config-update``.
    """

    def __init__(self, data_dir: str, has_config_hooks: Callable[[], bool]) -> None:
        self._data_dir = data_dir
        self._has_config_hooks = has_config_hooks

    async def pre(
        self,
        lu: AnyLU,
        op: Opcode,
        plan: Any,
        run: "Run",  # Any: lu's plan
    ) -> HookContext | None:
        """Run the pre-hooks and return what they were given.

        Raises:
            HooksAbort: one failed; the others on all nodes have run all the same.
        """
        context = lu.hooks(plan, run.config.view) if lu.hooks_path else None
        if context is not None and context.pre:
            await run.begin()
            env = _prefixed("", context.env)
            report = await self._phase(lu, op, context, "pre", env, context.pre, run)
            report.tell_unreached(run.log)
            if report.failures:
                failed = [[one.node, one.script, one.output] for one in report.failures]
                raise HooksAbort(failed)
        return context

    async def early(self, lu: AnyLU, op: Opcode, context: HookContext | None, run: "Run") -> None:
        """Run the post-hooks of nodes that will be gone; failures go to the job's log.

        They get the variables of the pre-phase only: nothing has become otherwise yet.
        """
        if context is None or not context.early:
            return
        env = _prefixed("", context.env)
        await run.begin()
        report = await self._phase(lu, op, context, "post", env, context.early, run)
        report.tell(run.log)

    async def post(
        self,
        lu: AnyLU,
        op: Opcode,
        run: "Run",
        before: HookContext | None,
        asked: Callable[[ClusterView], HookContext | None],
    ) -> HooksReport:
        """Run the post-hooks; what became of them.

        They get the variables of the pre-phase (``before``) and, under ``POST_``, what ``asked``
        says of the newest snapshot; an object that is gone has none of these.
        """
        if before is None:
            return HooksReport()
        try:
            after = asked(run.config.view)
        except GenericError:
            after = None
        await run.journal.note(*run.journal.begin_hooks())
        env = _prefixed("", before.env)
        if after is not None:
            env |= _prefixed("POST_", after.env)
        # Where it was known to be before, and where it has come to: a node that was just added has
        # hooks to run, and so has one that an instance has left.
        newest = after or before
        nodes = (*before.post, *newest.post)
        return await self._phase(lu, op, newest, "post", env, nodes, run)

    async def config_updated(self, op: Opcode, run: "Run") -> None:
        """Run those of ``config-update`` on the master, if ``run`` has changed the configuration.

        They get what the operation's own pre-hooks got, if it has any. Failures go to the log.
        """
        if not (run.has_changed_config and self._has_config_hooks()):
            return
        view, context = run.config.view, run.hooks or HookContext("", "")
        env = self._common(view, op, context, "post", CONFIG_UPDATE) | _prefixed("", context.env)
        call = HooksRunnerCall(hpath=CONFIG_UPDATE, phase="post", env=env)
        report = await self._asked(CONFIG_UPDATE, [view.cluster.master_node], call, run)
        report.tell(run.log)

    async def _phase(
        self,
        lu: AnyLU,
        op: Opcode,
        context: HookContext,
        phase: str,
        env: dict[str, str],
        nodes: Iterable[str],
        run: "Run",
    ) -> HooksReport:
        """Run one phase on ``nodes``."""
        view = run.config.view
        path = lu.hooks_path or ""
        call = HooksRunnerCall(
            hpath=path,
            phase=phase,
            env={**self._common(view, op, context, phase, path), **env},
        )
        online = [node for node in dict.fromkeys(nodes) if _is_online(view, node)]
        return await self._asked(path, online, call, run)

    async def _asked(
        self, path: str, nodes: Iterable[str], call: HooksRunnerCall, run: "Run"
    ) -> HooksReport:
        """Let ``nodes`` run them."""
        view = run.config.view
        failures: list[HookFailure] = []
        unreached: dict[str, str] = {}
        for node, answer in (await run.nodes.call_all(nodes, call)).items():
            name = view.node(node).name
            if isinstance(answer, NodeCallError):
                unreached[name] = str(answer)
            elif isinstance(answer, GenericError):
                failures.append(HookFailure(name, path, str(answer)))
            else:
                failures += [
                    HookFailure(name, result.script, result.output)
                    for result in answer
                    if result.outcome is HookOutcome.FAIL
                ]
        return HooksReport(tuple(failures), unreached)

    def _common(
        self, view: ClusterView, op: Opcode, context: HookContext, phase: str, path: str
    ) -> dict[str, str]:
        return {
            "PATH": _PATH,
            "GANETI_HOOKS_VERSION": _HOOKS_VERSION,
            "GANETI_HOOKS_PHASE": phase,
            "GANETI_HOOKS_PATH": path,
            "GANETI_OP_CODE": op.op_id(),
            "GANETI_OP_TARGET": context.target,
            "GANETI_OBJECT_TYPE": context.object_type,
            "GANETI_CLUSTER": view.cluster.cluster_name,
            "GANETI_MASTER": view.node(view.cluster.master_node).name,
            "GANETI_DATA_DIR": self._data_dir,
        }


def _prefixed(prefix: str, env: Mapping[str, str]) -> dict[str, str]:
    return {f"GANETI_{prefix}{name}": value for name, value in env.items()}


def _is_online(view: ClusterView, node: str) -> bool:
    known = view.find_node(node)
    return known is not None and not known.offline
