"""Opcodes on the cluster as a whole."""

from collections.abc import Mapping
from typing import ClassVar

from pyganeti.model.enums import DiskTemplate, Hypervisor, SshKeyType
from pyganeti.model.verify_codes import OptionalCheck, VerifyCode

from .base import Opcode
from .types import (
    INic,
    JobIds,
    Json,
    JsonObject,
    MaybeString,
    NonEmptyString,
    NonNegativeInt,
    OsListChange,
    PositiveInt,
    UidRanges,
)


class OpClusterActivateMasterIp(Opcode, frozen=True, kw_only=True):
    """Bring the cluster's address up on the master."""


class OpClusterConfigQuery(Opcode, frozen=True, kw_only=True):
    """Answer single values of the cluster's settings."""

    RESULT: ClassVar[object] = list[Json]

    output_fields: tuple[NonEmptyString, ...]


class OpClusterDeactivateMasterIp(Opcode, frozen=True, kw_only=True):
    """Take the cluster's address down."""


class OpClusterDestroy(Opcode, frozen=True, kw_only=True):
    """End the cluster; its last node keeps nothing of it."""

    RESULT: ClassVar[object] = NonEmptyString


class OpClusterPostInit(Opcode, frozen=True, kw_only=True):
    """Run the hooks of a new cluster."""

    RESULT: ClassVar[object] = bool


class OpClusterQuery(Opcode, frozen=True, kw_only=True):
    """Answer all of the cluster's settings."""

    RESULT: ClassVar[object] = JsonObject


class OpClusterRedistConf(Opcode, frozen=True, kw_only=True):
    """Send configuration and files to all nodes again."""


class OpClusterRename(Opcode, frozen=True, kw_only=True):
    """Change the cluster's name and address."""

    SUMMARY_FIELD: ClassVar[str | None] = "name"
    RESULT: ClassVar[object] = NonEmptyString

    name: NonEmptyString


class OpClusterRenewCrypto(Opcode, frozen=True, kw_only=True):
    """Make new certificates and ssh keys for the nodes."""

    node_certificates: bool = False
    renew_ssh_keys: bool = False
    ssh_key_type: SshKeyType | None = None
    ssh_key_bits: PositiveInt | None = None
    verbose: bool = False
    debug: bool = False


class OpClusterRepairDiskSizes(Opcode, frozen=True, kw_only=True):
    """Correct recorded disk sizes by what the nodes see."""

    RESULT: ClassVar[object] = list[
        tuple[NonEmptyString, NonNegativeInt, NonEmptyString, NonNegativeInt]
    ]

    instances: tuple[NonEmptyString, ...] = ()


class OpClusterSetParams(Opcode, frozen=True, kw_only=True):
    """Change the cluster's settings."""

    RESULT: ClassVar[object] = JobIds | None

    force: bool = False
    hv_state: JsonObject | None = None
    disk_state: JsonObject | None = None
    vg_name: str | None = None
    enabled_hypervisors: tuple[Hypervisor, ...] | None = None
    hvparams: Mapping[str, JsonObject] | None = None
    beparams: JsonObject | None = None
    os_hvp: Mapping[str, JsonObject] | None = None
    osparams: Mapping[str, JsonObject] | None = None
    osparams_private_cluster: Mapping[str, JsonObject] | None = None
    diskparams: Mapping[DiskTemplate, JsonObject] | None = None
    candidate_pool_size: PositiveInt | None = None
    max_running_jobs: PositiveInt | None = None
    max_tracked_jobs: PositiveInt | None = None
    uid_pool: UidRanges | None = None
    add_uids: UidRanges | None = None
    remove_uids: UidRanges | None = None
    maintain_node_health: bool | None = None
    prealloc_wipe_disks: bool | None = None
    nicparams: INic | None = None
    ndparams: JsonObject | None = None
    ipolicy: JsonObject | None = None
    drbd_helper: str | None = None
    default_iallocator: str | None = None
    default_iallocator_params: JsonObject | None = None
    mac_prefix: MaybeString = None
    master_netdev: str | None = None
    master_netmask: NonNegativeInt | None = None
    reserved_lvs: tuple[NonEmptyString, ...] | None = None
    hidden_os: OsListChange | None = None
    blacklisted_os: OsListChange | None = None
    use_external_mip_script: bool | None = None
    enabled_disk_templates: tuple[DiskTemplate, ...] | None = None
    modify_etc_hosts: bool | None = None
    file_storage_dir: str | None = None
    shared_file_storage_dir: str | None = None
    gluster_storage_dir: str | None = None
    install_image: str | None = None
    instance_communication_network: str | None = None
    zeroing_image: str | None = None
    compression_tools: tuple[NonEmptyString, ...] | None = None
    enabled_user_shutdown: bool | None = None
    enabled_data_collectors: Mapping[str, bool] | None = None
    data_collector_interval: Mapping[str, int] | None = None


class OpClusterVerify(Opcode, frozen=True, kw_only=True):
    """Check everything: submits a job for the configuration and one for each group."""

    RESULT: ClassVar[object] = JobIds

    debug_simulate_errors: bool = False
    error_codes: bool = False
    skip_checks: tuple[OptionalCheck, ...] = ()
    ignore_errors: tuple[VerifyCode, ...] = ()
    verbose: bool = False
    group_name: MaybeString = None
    verify_clutter: bool = False


class OpClusterVerifyConfig(Opcode, frozen=True, kw_only=True):
    """Check the configuration and what concerns all groups."""

    RESULT: ClassVar[object] = bool

    debug_simulate_errors: bool = False
    error_codes: bool = False
    ignore_errors: tuple[VerifyCode, ...] = ()
    verbose: bool = False


class OpClusterVerifyDisks(Opcode, frozen=True, kw_only=True):
    """Submit a disk check for each group."""

    RESULT: ClassVar[object] = JobIds

    group_name: MaybeString = None
    is_strict: bool = True


class OpClusterVerifyGroup(Opcode, frozen=True, kw_only=True):
    """Check the nodes and instances of one group."""

    SUMMARY_FIELD: ClassVar[str | None] = "group_name"
    RESULT: ClassVar[object] = bool

    group_name: NonEmptyString
    debug_simulate_errors: bool = False
    error_codes: bool = False
    skip_checks: tuple[OptionalCheck, ...] = ()
    ignore_errors: tuple[VerifyCode, ...] = ()
    verbose: bool = False
    verify_clutter: bool = False
