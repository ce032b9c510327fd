"""Opcodes on exports of instances."""

from typing import ClassVar

from pyganeti.model.enums import ExportMode

from .base import Opcode
from .types import AnyList, ExportTarget, JsonObject, MaybeString, NonNegativeInt


class OpBackupExport(Opcode, frozen=True, kw_only=True):
    """Write an instance's disks and settings to a node, or send them to another cluster."""

    SUMMARY_FIELD: ClassVar[str | None] = "instance_name"
    RESULT: ClassVar[object] = tuple[bool, list[bool]]

    instance_name: str
    instance_uuid: MaybeString = None
    compress: str = "none"
    shutdown_timeout: NonNegativeInt = 120
    target_node: ExportTarget
    target_node_uuid: MaybeString = None
    shutdown: bool = True
    remove_instance: bool = False
    ignore_remove_failures: bool = False
    mode: ExportMode = ExportMode.LOCAL
    x509_key_name: AnyList | None = None
    destination_x509_ca: MaybeString = None
    zero_free_space: bool = False
    zeroing_timeout_fixed: int | None = None
    zeroing_timeout_per_mib: float | None = None
    long_sleep: bool = False


class OpBackupPrepare(Opcode, frozen=True, kw_only=True):
    """Say what an export needs, such as the keys of a remote one."""

    SUMMARY_FIELD: ClassVar[str | None] = "instance_name"
    RESULT: ClassVar[object] = JsonObject | None

    instance_name: str
    instance_uuid: MaybeString = None
    mode: ExportMode


class OpBackupRemove(Opcode, frozen=True, kw_only=True):
    """Remove the export of an instance from all nodes."""

    SUMMARY_FIELD: ClassVar[str | None] = "instance_name"

    instance_name: str
    instance_uuid: MaybeString = None
