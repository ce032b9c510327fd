"""Node calls about guests that move while they run.

    source: migration_info ── target: accept_instance ── source: instance_migrate (a task)
      ── target: instance_finalize_migration_dst ── source: instance_finalize_migration_src

Source: docs/design/0009-moving.md, "Migration".
"""

from typing import ClassVar

from .call import DAY_S, NodeCall
from .guests import (
    GuestRole,
    HostTraits,
    MigrationInfo,
)
from .specs import InstanceSpec
from .struct import Params


class MigrationTraitsCall(NodeCall[HostTraits], frozen=True, kw_only=True):
    """What guests of a hypervisor find on this node, to be compared with another node.

    Raises: HypervisorError, it cannot be used here, or its guests do not migrate.
    """

    procedure: ClassVar[str] = "migration_traits"

    hypervisor: str
    hvparams: Params


class MigrationInfoCall(NodeCall[MigrationInfo], frozen=True, kw_only=True):
    """What the target must know of a running guest. Raises: HypervisorError, it does not run."""

    procedure: ClassVar[str] = "migration_info"

    instance: InstanceSpec


class MigrationRoleCall(NodeCall[GuestRole], frozen=True, kw_only=True):
    """What the copy of a guest on this node is. Raises: HypervisorError, it does not say."""

    procedure: ClassVar[str] = "migration_role"

    instance: InstanceSpec


class AcceptInstanceCall(NodeCall[None], frozen=True, kw_only=True):
    """Wait on ``address`` for the guest that ``info`` describes; it does not run before it came.

    A copy that waits already is replaced. Raises: HypervisorError, a copy runs here; what was begun
    is undone.
    """

    procedure: ClassVar[str] = "accept_instance"
    changes: ClassVar[bool] = True

    instance: InstanceSpec
    info: MigrationInfo
    address: str


class InstanceMigrateCall(NodeCall[None], frozen=True, kw_only=True):
    """Send a guest to where it is waited for, and return when its copy here has stopped for good.

    One that is being sent is waited for. Ending the call does not end the sending: the hypervisor
    goes on, whatever happens to this daemon. Raises: HypervisorError, it failed: the guest goes on
    here.
    """

    procedure: ClassVar[str] = "instance_migrate"
    timeout_s: ClassVar[float] = DAY_S
    changes: ClassVar[bool] = True
    long: ClassVar[bool] = True

    instance: InstanceSpec
    address: str
    live: bool


class MigrationCancelCall(NodeCall[GuestRole], frozen=True, kw_only=True):
    """Stop sending, and say what the copy here is then: it may be too late.

    Nothing is resumed that was stopped for good.
    """

    procedure: ClassVar[str] = "migration_cancel"
    changes: ClassVar[bool] = True

    instance: InstanceSpec


class InstanceFinalizeMigrationDstCall(NodeCall[None], frozen=True, kw_only=True):
    """Finish on the target: with ``success`` the guest runs here, without it is not here.

    A copy whose state came is never ended. Raises: HypervisorError, it is otherwise.
    """

    procedure: ClassVar[str] = "instance_finalize_migration_dst"
    changes: ClassVar[bool] = True

    instance: InstanceSpec
    success: bool
    resume: bool = True


class InstanceFinalizeMigrationSrcCall(NodeCall[None], frozen=True, kw_only=True):
    """Finish on the source: with ``success`` the guest is gone here, without it goes on here.

    A copy that may run is never ended. Only a caller who knows that none runs on the target may
    let one go on that was sent. Raises: HypervisorError, it is otherwise.
    """

    procedure: ClassVar[str] = "instance_finalize_migration_src"
    changes: ClassVar[bool] = True

    instance: InstanceSpec
    success: bool
    resume: bool = True


CALLS = (
    AcceptInstanceCall,
    InstanceFinalizeMigrationDstCall,
    InstanceFinalizeMigrationSrcCall,
    InstanceMigrateCall,
    MigrationCancelCall,
    MigrationInfoCall,
    MigrationRoleCall,
    MigrationTraitsCall,
)
