"""Opcodes on instances."""

from typing import ClassVar

import msgspec

from pyganeti.model.enums import (
    AdminStateSource,
    DiskTemplate,
    FileDriver,
    Hypervisor,
    InstanceCreateMode,
    MigrationMode,
    RebootType,
    ReplaceDisksMode,
)

from .base import Opcode
from .devices import device_changes, parse_disk, parse_nic
from .types import (
    AnyList,
    DeviceMods,
    DiskIndex,
    IDisk,
    INic,
    JobIds,
    Json,
    JsonObject,
    MaybeString,
    NonEmptyString,
    NonNegativeInt,
    PositiveInt,
    RecreateDisks,
)


class OpInstanceActivateDisks(Opcode, frozen=True, kw_only=True):
    """Assemble an instance's disks on its nodes."""

    SUMMARY_FIELD: ClassVar[str | None] = "instance_name"
    RESULT: ClassVar[object] = list[tuple[NonEmptyString, NonEmptyString, MaybeString]]

    instance_name: str
    instance_uuid: MaybeString = None
    ignore_size: bool = False
    wait_for_sync: bool = False


class OpInstanceChangeGroup(Opcode, frozen=True, kw_only=True):
    """Move an instance to another node group."""

    SUMMARY_FIELD: ClassVar[str | None] = "instance_name"
    RESULT: ClassVar[object] = JobIds

    instance_name: str
    instance_uuid: MaybeString = None
    early_release: bool = False
    iallocator: MaybeString = None
    target_groups: tuple[NonEmptyString, ...] | None = None


class OpInstanceConsole(Opcode, frozen=True, kw_only=True):
    """Say how to reach an instance's console."""

    SUMMARY_FIELD: ClassVar[str | None] = "instance_name"
    RESULT: ClassVar[object] = JsonObject

    instance_name: str
    instance_uuid: MaybeString = None


class OpInstanceCreate(Opcode, frozen=True, kw_only=True):
    """Create an instance, empty, from an OS definition, or from an export.

    Imported with ``nics`` empty it has the NICs of the export, as in Ganeti; with null it has none.
    """

    SUMMARY_FIELD: ClassVar[str | None] = "instance_name"
    RESULT: ClassVar[object] = list[NonEmptyString]

    instance_name: str
    force_variant: bool = False
    wait_for_sync: bool = True
    name_check: bool = False
    ignore_ipolicy: bool = False
    opportunistic_locking: bool = False
    beparams: JsonObject = msgspec.field(default_factory=dict)
    disks: tuple[IDisk, ...]
    disk_template: DiskTemplate | None = None
    group_name: MaybeString = None
    file_driver: FileDriver | None = None
    file_storage_dir: MaybeString = None
    hvparams: JsonObject = msgspec.field(default_factory=dict)
    hypervisor: Hypervisor | None = None
    iallocator: MaybeString = None
    identify_defaults: bool = False
    ip_check: bool = False
    conflicts_check: bool = True
    mode: InstanceCreateMode
    nics: tuple[INic, ...] | None
    no_install: bool | None = None
    osparams: JsonObject = msgspec.field(default_factory=dict)
    osparams_private: JsonObject | None = None
    osparams_secret: JsonObject | None = None
    os_type: MaybeString = None
    pnode: MaybeString = None
    pnode_uuid: MaybeString = None
    snode: MaybeString = None
    snode_uuid: MaybeString = None
    source_handshake: AnyList | None = None
    source_instance_name: MaybeString = None
    source_shutdown_timeout: NonNegativeInt = 120
    source_x509_ca: MaybeString = None
    src_node: MaybeString = None
    src_node_uuid: MaybeString = None
    src_path: MaybeString = None
    compress: str = "none"
    start: bool = True
    forthcoming: bool = False
    commit: bool = False
    tags: tuple[NonEmptyString, ...] = ()
    instance_communication: bool = False
    helper_startup_timeout: int | None = None
    helper_shutdown_timeout: int | None = None

    def check(self) -> None:
        """See :meth:`Opcode.check`."""
        for number, nic in enumerate(self.nics or ()):
            parse_nic(nic, f"{self.op_id()}: nic/{number}")
        for number, disk in enumerate(self.disks):
            parse_disk(disk, f"{self.op_id()}: disk/{number}")


class OpInstanceDeactivateDisks(Opcode, frozen=True, kw_only=True):
    """Take an instance's disks apart again."""

    SUMMARY_FIELD: ClassVar[str | None] = "instance_name"

    instance_name: str
    instance_uuid: MaybeString = None
    force: bool = False


class OpInstanceFailover(Opcode, frozen=True, kw_only=True):
    """Stop an instance and start it on another node that has its disks."""

    SUMMARY_FIELD: ClassVar[str | None] = "instance_name"

    instance_name: str
    instance_uuid: MaybeString = None
    shutdown_timeout: NonNegativeInt = 120
    ignore_consistency: bool = False
    target_node: MaybeString = None
    target_node_uuid: MaybeString = None
    ignore_ipolicy: bool = False
    cleanup: bool = False
    iallocator: MaybeString = None


class OpInstanceGrowDisk(Opcode, frozen=True, kw_only=True):
    """Enlarge a disk of an instance."""

    SUMMARY_FIELD: ClassVar[str | None] = "instance_name"

    instance_name: str
    instance_uuid: MaybeString = None
    wait_for_sync: bool = True
    disk: DiskIndex
    amount: NonNegativeInt
    absolute: bool = False
    ignore_ipolicy: bool = False


class OpInstanceMigrate(Opcode, frozen=True, kw_only=True):
    """Move a running instance to another node that has its disks."""

    SUMMARY_FIELD: ClassVar[str | None] = "instance_name"

    instance_name: str
    instance_uuid: MaybeString = None
    mode: MigrationMode | None = None
    live: bool | None = None
    target_node: MaybeString = None
    target_node_uuid: MaybeString = None
    allow_runtime_changes: bool = True
    ignore_ipolicy: bool = False
    cleanup: bool = False
    iallocator: MaybeString = None
    allow_failover: bool = False
    ignore_hvversions: bool = False


class OpInstanceMove(Opcode, frozen=True, kw_only=True):
    """Copy a stopped instance's disks to another node."""

    SUMMARY_FIELD: ClassVar[str | None] = "instance_name"

    instance_name: str
    instance_uuid: MaybeString = None
    shutdown_timeout: NonNegativeInt = 120
    ignore_ipolicy: bool = False
    target_node: NonEmptyString
    target_node_uuid: MaybeString = None
    compress: str = "none"
    ignore_consistency: bool = False


class OpInstanceMultiAlloc(Opcode, frozen=True, kw_only=True):
    """Place several instances at once and submit a job to create each."""

    RESULT: ClassVar[object] = JsonObject

    opportunistic_locking: bool = False
    iallocator: MaybeString = None
    instances: AnyList = ()


class OpInstanceQueryData(Opcode, frozen=True, kw_only=True):
    """Answer everything about instances."""

    RESULT: ClassVar[object] = dict[str, JsonObject]

    use_locking: bool = False
    instances: tuple[NonEmptyString, ...] = ()
    static: bool = False


class OpInstanceReboot(Opcode, frozen=True, kw_only=True):
    """Reboot an instance."""

    SUMMARY_FIELD: ClassVar[str | None] = "instance_name"

    instance_name: str
    instance_uuid: MaybeString = None
    shutdown_timeout: NonNegativeInt = 120
    ignore_secondaries: bool = False
    reboot_type: RebootType


class OpInstanceRecreateDisks(Opcode, frozen=True, kw_only=True):
    """Make lost disks of an instance anew, without their contents."""

    SUMMARY_FIELD: ClassVar[str | None] = "instance_name"

    instance_name: str
    instance_uuid: MaybeString = None
    disks: RecreateDisks = ()
    nodes: tuple[NonEmptyString, ...] = ()
    node_uuids: tuple[NonEmptyString, ...] | None = None
    iallocator: MaybeString = None


class OpInstanceReinstall(Opcode, frozen=True, kw_only=True):
    """Run the OS definition's create script again."""

    SUMMARY_FIELD: ClassVar[str | None] = "instance_name"

    instance_name: str
    instance_uuid: MaybeString = None
    force_variant: bool = False
    os_type: MaybeString = None
    osparams: JsonObject | None = None
    osparams_private: JsonObject | None = None
    osparams_secret: JsonObject | None = None


class OpInstanceRemove(Opcode, frozen=True, kw_only=True):
    """Remove an instance and its disks."""

    SUMMARY_FIELD: ClassVar[str | None] = "instance_name"

    instance_name: str
    instance_uuid: MaybeString = None
    shutdown_timeout: NonNegativeInt = 120
    ignore_failures: bool = False


class OpInstanceRename(Opcode, frozen=True, kw_only=True):
    """Give an instance another name."""

    RESULT: ClassVar[object] = NonEmptyString

    instance_name: str
    instance_uuid: MaybeString = None
    new_name: NonEmptyString
    name_check: bool = False
    ip_check: bool = False


class OpInstanceReplaceDisks(Opcode, frozen=True, kw_only=True):
    """Replace one side of an instance's mirrored disks."""

    SUMMARY_FIELD: ClassVar[str | None] = "instance_name"

    instance_name: str
    instance_uuid: MaybeString = None
    early_release: bool = False
    ignore_ipolicy: bool = False
    mode: ReplaceDisksMode
    disks: tuple[DiskIndex, ...] = ()
    remote_node: MaybeString = None
    remote_node_uuid: MaybeString = None
    iallocator: MaybeString = None


class OpInstanceSetParams(Opcode, frozen=True, kw_only=True):
    """Change an instance's parameters, disks, NICs or disk template."""

    SUMMARY_FIELD: ClassVar[str | None] = "instance_name"
    RESULT: ClassVar[object] = list[tuple[NonEmptyString, Json]]

    instance_name: str
    instance_uuid: MaybeString = None
    force: bool = False
    force_variant: bool = False
    ignore_ipolicy: bool = False
    nics: DeviceMods = ()
    disks: DeviceMods = ()
    beparams: JsonObject = msgspec.field(default_factory=dict)
    runtime_mem: PositiveInt | None = None
    hvparams: JsonObject = msgspec.field(default_factory=dict)
    disk_template: DiskTemplate | None = None
    ext_params: JsonObject = msgspec.field(default_factory=dict)
    file_driver: FileDriver | None = None
    file_storage_dir: MaybeString = None
    pnode: MaybeString = None
    pnode_uuid: MaybeString = None
    remote_node: MaybeString = None
    remote_node_uuid: MaybeString = None
    iallocator: MaybeString = None
    os_name: MaybeString = None
    osparams: JsonObject = msgspec.field(default_factory=dict)
    osparams_private: JsonObject | None = None
    wait_for_sync: bool = True
    offline: bool | None = None
    conflicts_check: bool = True
    hotplug: bool = True
    instance_communication: bool | None = None

    def check(self) -> None:
        """See :meth:`Opcode.check`."""
        for change in device_changes(self.nics, "nics"):
            parse_nic(change.params, f"{self.op_id()}: {change.name('NIC')}")
        for change in device_changes(self.disks, "disks"):
            parse_disk(change.params, f"{self.op_id()}: {change.name('disk')}")


class OpInstanceShutdown(Opcode, frozen=True, kw_only=True):
    """Stop an instance."""

    SUMMARY_FIELD: ClassVar[str | None] = "instance_name"

    instance_name: str
    instance_uuid: MaybeString = None
    force: bool = False
    ignore_offline_nodes: bool = False
    timeout: NonNegativeInt = 120
    no_remember: bool = False
    admin_state_source: AdminStateSource | None = None


class OpInstanceStartup(Opcode, frozen=True, kw_only=True):
    """Start an instance."""

    SUMMARY_FIELD: ClassVar[str | None] = "instance_name"

    instance_name: str
    instance_uuid: MaybeString = None
    force: bool = False
    ignore_offline_nodes: bool = False
    hvparams: JsonObject = msgspec.field(default_factory=dict)
    beparams: JsonObject = msgspec.field(default_factory=dict)
    no_remember: bool = False
    startup_paused: bool = False
    shutdown_timeout: NonNegativeInt = 120
