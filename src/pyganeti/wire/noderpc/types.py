"""What nodes say about themselves: their versions, roles, hooks, tasks and files."""

from enum import StrEnum
from typing import Any

import msgspec

from .disks import StorageInfo, Volume
from .guests import HypervisorInfo
from .struct import Struct


class NodeInfo(Struct, frozen=True, kw_only=True):
    """Answer to ``node_info``; an unusable hypervisor is in ``errors`` instead."""

    boot_id: str
    storage: tuple[StorageInfo, ...] = ()
    hypervisors: dict[str, HypervisorInfo] = msgspec.field(default_factory=dict)
    errors: dict[str, str] = msgspec.field(default_factory=dict)


class VersionInfo(Struct, frozen=True, kw_only=True):
    """Answer to ``version``: protocol, Ganeti release, our own version, the node's epoch."""

    protocol: int
    release: str
    vcs: str
    epoch: int


class MasterVote(Struct, frozen=True, kw_only=True):
    """Who a node believes is the master (or empty), and the highest epoch it has stored."""

    master: str
    epoch: int


class OsParameter(Struct, frozen=True, kw_only=True):
    """A parameter that an OS definition declares."""

    name: str
    doc: str = ""


class OsInfo(Struct, frozen=True, kw_only=True):
    """An OS definition found on a node.

    Attributes:
        valid: whether it can be used; ``status`` says why not.
        variants: in file order; empty for one without variants.
        trusted: whether it has a ``create`` script (else ``create_untrusted`` only).
    """

    name: str
    path: str
    valid: bool
    status: str
    variants: tuple[str, ...] = ()
    parameters: tuple[OsParameter, ...] = ()
    api_versions: tuple[int, ...] = ()
    trusted: bool = True


class ProviderInfo(Struct, frozen=True, kw_only=True):
    """An external storage provider found on a node.

    Attributes:
        valid: whether it can be used; ``status`` says why not.
        parameters: in file order.
    """

    name: str
    path: str
    valid: bool
    status: str
    parameters: tuple[OsParameter, ...] = ()


class HookOutcome(StrEnum):
    """How a hook script ended."""

    SKIP = "skip"
    FAIL = "fail"
    SUCCESS = "success"


class HookResult(Struct, frozen=True, kw_only=True):
    """One script's run; ``script`` is ``instance-start-pre.d/10-check``."""

    script: str
    outcome: HookOutcome
    output: str


class FileInfo(Struct, frozen=True, kw_only=True):
    """What ``get_file_info`` says: existence, size in bytes, mode bits, owner and group ids."""

    exists: bool
    size: int = 0
    mode: int = 0
    uid: int = 0
    gid: int = 0
    mtime: float = 0.0
    is_regular: bool = False


class DrbdInfo(Struct, frozen=True, kw_only=True):
    """What a node's DRBD is; ``error`` says why it is not there."""

    version: str = ""
    helper: str = ""
    minors: tuple[int, ...] = ()
    error: str = ""


class CertificateState(Struct, frozen=True, kw_only=True):
    """A certificate's file: until when it is good, in seconds since 1970, or what is wrong."""

    path: str
    not_after: float = 0.0
    error: str = ""


class NodeVerifyResult(Struct, frozen=True, kw_only=True):
    """Answer to ``node_verify``; a field is empty when its check was not asked for.

    Attributes:
        time: the node's clock.
        hypervisor_errors: hypervisor to what is wrong with it; usable ones are absent.
        hvparam_errors: ``[source, hypervisor, text]`` of parameters unusable here.
        instances: hypervisor to the names of its guests, or absent when it could not be asked.
        ended: names of guests that were shut down from inside and not stopped since.
        checksums: path to SHA-1 of its content; missing files are absent.
        unreadable: path to why a file that is there cannot be read.
        missing_bridges: bridges that do not exist.
        forbidden_file_storage_paths: whitelist entries that must not be used.
        allowed_file_storage_paths: the whitelist.
        unusable_storage_dirs: directory to what is wrong with it.
        unreachable: ``name`` to why its daemon's address did not answer.
        failed_logins: node to why nobody can log in there from here.
        missing_scripts: user scripts that are missing or not executable.
        oses: all OS definitions.
        client_cert_digest: digest of the node's client certificate; empty when it has none.
        client_cert_uuid: UUID that certificate was issued for.
        setup_errors: what is wrong with directories and files of the node.
        volume_group_error: what is wrong with the volume group.
        volumes: its volumes.
        exclusive_faults: what is wrong with its physical volumes.
        pv_sizes: in MiB, the smallest and the largest of its physical volumes.
        drbd: what its DRBD is.
        certificates: those that are there.
        clutter: ``user@host`` of which several ssh keys are admitted, with their number.
    """

    time: float
    version: VersionInfo
    hypervisor_errors: dict[str, str] = msgspec.field(default_factory=dict)
    hvparam_errors: tuple[tuple[str, str, str], ...] = ()
    instances: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict)
    ended: tuple[str, ...] = ()
    info: NodeInfo | None = None
    checksums: dict[str, str] = msgspec.field(default_factory=dict)
    unreadable: dict[str, str] = msgspec.field(default_factory=dict)
    missing_bridges: tuple[str, ...] = ()
    forbidden_file_storage_paths: tuple[str, ...] = ()
    allowed_file_storage_paths: tuple[str, ...] = ()
    unusable_storage_dirs: dict[str, str] = msgspec.field(default_factory=dict)
    unreachable: dict[str, str] = msgspec.field(default_factory=dict)
    failed_logins: dict[str, str] = msgspec.field(default_factory=dict)
    missing_scripts: tuple[str, ...] = ()
    oses: tuple[OsInfo, ...] = ()
    client_cert_digest: str = ""
    client_cert_uuid: str = ""
    setup_errors: tuple[str, ...] = ()
    volume_group_error: str = ""
    volumes: tuple[Volume, ...] = ()
    exclusive_faults: tuple[str, ...] = ()
    pv_sizes: tuple[int, int] | None = None
    drbd: DrbdInfo | None = None
    certificates: tuple[CertificateState, ...] = ()
    clutter: dict[str, int] = msgspec.field(default_factory=dict)


class TaskState(StrEnum):
    """State of a node's task."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    LOST = "lost"  # not known here: the daemon restarted, or forgot


class TaskProgress(Struct, frozen=True):
    """How much of measurable work is done: ``done`` of ``total``, both in MiB."""

    done: int
    total: int


class TaskReport(Struct, frozen=True, kw_only=True):
    """Answer to ``task_wait``: state, last progress, result as JSON, error as ``to_wire``."""

    state: TaskState
    progress: TaskProgress | None = None
    result: msgspec.Raw = msgspec.Raw(b"null")
    error: list[Any] | None = None  # Any: an error's arguments


class StoreState(Struct, frozen=True, kw_only=True):
    """Where a candidate's copy of the database stands."""

    seq: int
    epoch: int


class StorePage(Struct, frozen=True, kw_only=True):
    """Records of a candidate's copy, as encoded writes, and where the copy stood meanwhile.

    Attributes:
        more: whether further ones follow those that were asked for.
    """

    seq: int
    epoch: int
    rows: bytes
    more: bool
