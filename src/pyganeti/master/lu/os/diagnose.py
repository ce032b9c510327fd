"""Compare the OS definitions of all nodes: ``gnt-os list``, ``diagnose``, ``info``.

Source: gnt-os(8); os query fields.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pyganeti.master.locks import LockRequest
from pyganeti.master.lu.base import LogicalUnit
from pyganeti.master.nodes import NodeReader
from pyganeti.master.run import Run
from pyganeti.model.errors import ECode, GenericError, OpPrereqError
from pyganeti.model.names import nice_sort_key
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.os import OpOsDiagnose
from pyganeti.wire.noderpc.os import OsDiagnoseCall
from pyganeti.wire.noderpc.types import OsInfo

# Any: fields have values of many types.
Row = dict[str, Any]
Found = dict[str, list[OsInfo]]


@dataclass(frozen=True, slots=True)
class DiagnosePlan:
    """The table, gathered while reading."""

    rows: tuple[tuple[Any, ...], ...]


class LUOsDiagnose(LogicalUnit[OpOsDiagnose, DiagnosePlan, list[list[Any]]]):
    """One row an OS, with the fields asked for."""

    def declare_locks(self, op: OpOsDiagnose, view: ClusterView) -> LockRequest:
        """Nothing: only nodes are asked."""
        return LockRequest()

    async def check_prereq(
        self, op: OpOsDiagnose, view: ClusterView, nodes: NodeReader
    ) -> DiagnosePlan:
        """Ask all nodes that can have guests.

        Raises:
            OpPrereqError: unknown field or OS.
        """
        online = [node.uuid for node in view.online_nodes() if node.vm_capable]
        by_name: dict[str, Found] = {}
        answers = await nodes.call_all(online, OsDiagnoseCall())
        answered = [
            uuid for uuid, answer in answers.items() if not isinstance(answer, GenericError)
        ]
        for uuid, answer in answers.items():
            if isinstance(answer, GenericError):
                continue
            for info in answer:
                by_name.setdefault(info.name, {}).setdefault(uuid, []).append(info)
        names = self._names(op, by_name)
        rows = [_row(name, by_name[name], answered, view) for name in names]
        if not op.names:
            hidden = {"hidden", "blacklisted", "valid"}
            rows = [row for row in rows if _is_shown(row, op.output_fields, hidden)]
        return DiagnosePlan(tuple(_picked(row, op.output_fields) for row in rows))

    @staticmethod
    def _names(op: OpOsDiagnose, found: Mapping[str, Found]) -> list[str]:
        unknown = [name for name in op.names if name not in found]
        if unknown:
            raise OpPrereqError(f"OS '{unknown[0]}' not found", ECode.NOENT)
        return list(op.names) or sorted(found, key=nice_sort_key)

    async def execute(self, run: Run, plan: DiagnosePlan) -> list[list[Any]]:
        """Answer."""
        return [list(row) for row in plan.rows]


def _row(name: str, found: Found, answered: list[str], view: ClusterView) -> Row:
    first = {uuid: infos[0] for uuid, infos in found.items()}
    valid = bool(first) and all(uuid in first and first[uuid].valid for uuid in answered)
    variants, parameters, versions = (
        _common([set(get(info)) for info in first.values()])
        for get in (
            lambda info: info.variants,
            lambda info: [(param.name, param.doc) for param in info.parameters],
            lambda info: info.api_versions,
        )
    )
    cluster = view.cluster
    return {
        "name": name,
        "valid": valid,
        "hidden": name in cluster.hidden_os,
        "blacklisted": name in cluster.blacklisted_os,
        "variants": sorted(variants, key=nice_sort_key),
        "parameters": [list(pair) for pair in sorted(parameters)],
        "api_versions": sorted(versions),
        "node_status": {
            view.node(uuid).name: [_status(info) for info in found.get(uuid, [])]
            for uuid in answered
        },
        "os_hvp": cluster.os_hvp.get(name, {}),
        "osparams": cluster.osparams.get(name, {}),
        "trusted": all(info.trusted for info in first.values()),
    }


def _common(sets: list[set[Any]]) -> set[Any]:
    return set.intersection(*sets) if sets else set()


def _status(info: OsInfo) -> list[Any]:
    """``[path, usable, what is wrong, variants, parameters, API versions, trusted]``."""
    return [
        info.path,
        info.valid,
        "" if info.valid else info.status,
        list(info.variants),
        [[param.name, param.doc] for param in info.parameters],
        list(info.api_versions),
        info.trusted,
    ]


def _is_shown(row: Row, fields: tuple[str, ...], about: set[str]) -> bool:
    """Hidden, blacklisted and broken ones are shown only to those who ask for such a field."""
    if about & set(fields):
        return True
    return bool(row["valid"] and not row["hidden"] and not row["blacklisted"])


def _picked(row: Row, fields: tuple[str, ...]) -> tuple[Any, ...]:
    unknown = [name for name in fields if name not in row]
    if unknown:
        raise OpPrereqError(f"unknown output field '{unknown[0]}'", ECode.INVAL)
    return tuple(row[name] for name in fields)
