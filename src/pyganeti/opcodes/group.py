"""Opcodes on node groups."""

from collections.abc import Mapping
from typing import ClassVar

from pyganeti.model.enums import AllocPolicy, DiskTemplate

from .base import Opcode
from .types import JobIds, Json, JsonObject, MaybeString, NonEmptyString


class OpGroupAdd(Opcode, frozen=True, kw_only=True):
    """Create a node group."""

    SUMMARY_FIELD: ClassVar[str | None] = "group_name"
    RESULT: ClassVar[object] = JobIds | None

    group_name: NonEmptyString
    alloc_policy: AllocPolicy | None = None
    ndparams: JsonObject | None = None
    diskparams: Mapping[DiskTemplate, JsonObject] | None = None
    hv_state: JsonObject | None = None
    disk_state: JsonObject | None = None
    ipolicy: JsonObject | None = None


class OpGroupAssignNodes(Opcode, frozen=True, kw_only=True):
    """Move nodes to a group."""

    SUMMARY_FIELD: ClassVar[str | None] = "group_name"

    group_name: NonEmptyString
    force: bool = False
    nodes: tuple[NonEmptyString, ...]
    node_uuids: tuple[NonEmptyString, ...] | None = None


class OpGroupEvacuate(Opcode, frozen=True, kw_only=True):
    """Move all instances of a group to other groups."""

    SUMMARY_FIELD: ClassVar[str | None] = "group_name"
    RESULT: ClassVar[object] = JobIds

    group_name: NonEmptyString
    early_release: bool = False
    iallocator: MaybeString = None
    target_groups: tuple[NonEmptyString, ...] | None = None
    sequential: bool = False
    force_failover: bool = False


class OpGroupRemove(Opcode, frozen=True, kw_only=True):
    """Remove an empty group."""

    SUMMARY_FIELD: ClassVar[str | None] = "group_name"

    group_name: NonEmptyString


class OpGroupRename(Opcode, frozen=True, kw_only=True):
    """Give a group another name."""

    RESULT: ClassVar[object] = NonEmptyString

    group_name: NonEmptyString
    new_name: NonEmptyString


class OpGroupSetParams(Opcode, frozen=True, kw_only=True):
    """Change a group's settings."""

    SUMMARY_FIELD: ClassVar[str | None] = "group_name"
    RESULT: ClassVar[object] = list[tuple[NonEmptyString, Json]]

    group_name: NonEmptyString
    alloc_policy: AllocPolicy | None = None
    ndparams: JsonObject | None = None
    diskparams: Mapping[DiskTemplate, JsonObject] | None = None
    hv_state: JsonObject | None = None
    disk_state: JsonObject | None = None
    ipolicy: JsonObject | None = None


class OpGroupVerifyDisks(Opcode, frozen=True, kw_only=True):
    """Find disks of a group's instances that are not in order."""

    SUMMARY_FIELD: ClassVar[str | None] = "group_name"
    RESULT: ClassVar[object] = tuple[dict[str, str], list[str], dict[str, list[list[str]]]]

    group_name: NonEmptyString
    is_strict: bool = True
