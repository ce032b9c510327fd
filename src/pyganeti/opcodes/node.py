"""Opcodes on nodes."""

from typing import ClassVar

from pyganeti.model.enums import EvacMode, MigrationMode, OobCommand, StorageType

from .base import Opcode
from .types import JobIds, Json, JsonObject, MaybeString, NonEmptyString, QueryStatus


class OpNodeAdd(Opcode, frozen=True, kw_only=True):
    """Join a node to the cluster."""

    SUMMARY_FIELD: ClassVar[str | None] = "node_name"

    node_name: NonEmptyString
    hv_state: JsonObject | None = None
    disk_state: JsonObject | None = None
    primary_ip: MaybeString = None
    secondary_ip: MaybeString = None
    readd: bool = False
    group: MaybeString = None
    master_capable: bool | None = None
    vm_capable: bool | None = None
    ndparams: JsonObject | None = None
    node_setup: bool = False


class OpNodeEvacuate(Opcode, frozen=True, kw_only=True):
    """Move instances off a node."""

    SUMMARY_FIELD: ClassVar[str | None] = "node_name"
    RESULT: ClassVar[object] = JobIds

    early_release: bool = False
    node_name: NonEmptyString
    node_uuid: MaybeString = None
    remote_node: MaybeString = None
    remote_node_uuid: MaybeString = None
    iallocator: MaybeString = None
    mode: EvacMode
    ignore_soft_errors: bool | None = None


class OpNodeMigrate(Opcode, frozen=True, kw_only=True):
    """Migrate the primary instances of a node."""

    SUMMARY_FIELD: ClassVar[str | None] = "node_name"
    RESULT: ClassVar[object] = JobIds

    node_name: NonEmptyString
    node_uuid: MaybeString = None
    mode: MigrationMode | None = None
    live: bool | None = None
    target_node: MaybeString = None
    target_node_uuid: MaybeString = None
    allow_runtime_changes: bool = True
    ignore_ipolicy: bool = False
    iallocator: MaybeString = None


class OpNodeModifyStorage(Opcode, frozen=True, kw_only=True):
    """Change a storage unit of a node."""

    SUMMARY_FIELD: ClassVar[str | None] = "node_name"

    node_name: NonEmptyString
    node_uuid: MaybeString = None
    storage_type: StorageType
    name: MaybeString = None
    changes: JsonObject


class OpNodePowercycle(Opcode, frozen=True, kw_only=True):
    """Reboot a node hard."""

    SUMMARY_FIELD: ClassVar[str | None] = "node_name"
    RESULT: ClassVar[object] = MaybeString

    node_name: NonEmptyString
    node_uuid: MaybeString = None
    force: bool = False


class OpNodeQueryvols(Opcode, frozen=True, kw_only=True):
    """List the logical volumes of nodes."""

    RESULT: ClassVar[object] = list[Json]

    output_fields: tuple[NonEmptyString, ...]
    nodes: tuple[NonEmptyString, ...] = ()


class OpNodeQueryStorage(Opcode, frozen=True, kw_only=True):
    """List the storage units of nodes."""

    RESULT: ClassVar[object] = list[list[Json]]

    output_fields: tuple[NonEmptyString, ...]
    storage_type: StorageType | None = None
    nodes: tuple[NonEmptyString, ...] = ()
    name: MaybeString = None


class OpNodeRemove(Opcode, frozen=True, kw_only=True):
    """Take a node out of the cluster."""

    SUMMARY_FIELD: ClassVar[str | None] = "node_name"

    node_name: NonEmptyString
    node_uuid: MaybeString = None


class OpNodeSetParams(Opcode, frozen=True, kw_only=True):
    """Change a node's role, flags or parameters."""

    SUMMARY_FIELD: ClassVar[str | None] = "node_name"
    RESULT: ClassVar[object] = list[tuple[NonEmptyString, Json]]

    node_name: NonEmptyString
    node_uuid: MaybeString = None
    force: bool = False
    hv_state: JsonObject | None = None
    disk_state: JsonObject | None = None
    master_candidate: bool | None = None
    offline: bool | None = None
    drained: bool | None = None
    auto_promote: bool = False
    master_capable: bool | None = None
    vm_capable: bool | None = None
    secondary_ip: MaybeString = None
    ndparams: JsonObject | None = None
    powered: bool | None = None


class OpOobCommand(Opcode, frozen=True, kw_only=True):
    """Run an out-of-band command for nodes."""

    RESULT: ClassVar[object] = list[list[tuple[QueryStatus, Json]]]

    node_names: tuple[NonEmptyString, ...] = ()
    node_uuids: tuple[NonEmptyString, ...] | None = None
    command: OobCommand
    timeout: int = 60
    ignore_status: bool = False
    power_delay: float = 2.0


class OpRepairNodeStorage(Opcode, frozen=True, kw_only=True):
    """Repair a storage unit of a node."""

    SUMMARY_FIELD: ClassVar[str | None] = "node_name"

    node_name: NonEmptyString
    node_uuid: MaybeString = None
    storage_type: StorageType
    name: MaybeString = None
    ignore_consistency: bool = False


class OpRestrictedCommand(Opcode, frozen=True, kw_only=True):
    """Run a command that the nodes' administrators have allowed."""

    RESULT: ClassVar[object] = list[tuple[bool, str]]

    use_locking: bool = False
    nodes: tuple[NonEmptyString, ...]
    node_uuids: tuple[NonEmptyString, ...] | None = None
    command: NonEmptyString
