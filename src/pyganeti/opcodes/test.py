"""Opcodes on tests of the system itself."""

from typing import ClassVar

from pyganeti.model.enums import (
    AllocatorDirection,
    AllocatorMode,
    DiskTemplate,
    EvacMode,
    Hypervisor,
)

from .base import Opcode
from .types import AnyList, INic, Json, JsonObject, MaybeString, NonEmptyString, NonNegativeInt


class OpTestAllocator(Opcode, frozen=True, kw_only=True):
    """Show an allocator's input, or run it, and change nothing."""

    SUMMARY_FIELD: ClassVar[str | None] = "iallocator"
    RESULT: ClassVar[object] = str

    direction: AllocatorDirection
    mode: AllocatorMode
    name: NonEmptyString
    nics: tuple[INic, ...] | None = None
    disks: AnyList | None = None
    hypervisor: Hypervisor | None = None
    iallocator: MaybeString = None
    tags: tuple[NonEmptyString, ...] = ()
    memory: NonNegativeInt | None = None
    vcpus: NonNegativeInt | None = None
    os: MaybeString = None
    disk_template: DiskTemplate | None = None
    instances: tuple[NonEmptyString, ...] | None = None
    evac_mode: EvacMode | None = None
    target_groups: tuple[NonEmptyString, ...] | None = None
    spindle_use: NonNegativeInt = 1
    count: NonNegativeInt = 1
    group_name: MaybeString = None


class OpTestDelay(Opcode, frozen=True, kw_only=True):
    """Wait, on the master, on nodes or on both."""

    SUMMARY_FIELD: ClassVar[str | None] = "duration"

    duration: float
    on_master: bool = True
    on_nodes: tuple[NonEmptyString, ...] = ()
    on_node_uuids: tuple[NonEmptyString, ...] | None = None
    repeat: NonNegativeInt = 0
    interruptible: bool = False
    no_locks: bool = True


class OpTestDummy(Opcode, frozen=True, kw_only=True):
    """Do nothing; for tests of the queue, and never submitted."""

    result: Json = None
    messages: Json = None
    fail: Json = None
    submit_jobs: Json = None


class OpTestJqueue(Opcode, frozen=True, kw_only=True):
    """Exercise the job queue's messages."""

    RESULT: ClassVar[object] = bool

    notify_waitlock: bool = False
    notify_exec: bool = False
    log_messages: tuple[str, ...] = ()
    fail: bool = False


class OpTestOsParams(Opcode, frozen=True, kw_only=True):
    """Carry a secret through the queue and show none of it."""

    osparams_secret: JsonObject | None = None
