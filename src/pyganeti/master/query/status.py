"""What a list says of an instance: its wanted state compared with what nodes see.

Pure; the rules stand in the order in which they are tried. Source: the status rules of Ganeti 3.1.
"""

from dataclasses import dataclass

from pyganeti.model.enums import AdminState, AdminStateSource, InstanceStatus
from pyganeti.wire.noderpc.guests import GuestState


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of an instance.

    Attributes:
        admin_state: what is wanted.
        admin_state_source: who wanted it.
        node_offline: its primary node is marked offline.
        node_answers: its primary node said which guests it has.
        elsewhere: another node has it running.
        guest: what the primary node says of it; ``None`` when it is not there.
        user_shutdown: the cluster lets guests shut themselves down.
        user_may_shutdown: and so do this instance's hypervisor and parameters.
    """

    admin_state: AdminState
    admin_state_source: AdminStateSource = AdminStateSource.ADMIN
    node_offline: bool = False
    node_answers: bool = True
    elsewhere: bool = False
    guest: GuestState | None = None
    user_shutdown: bool = False
    user_may_shutdown: bool = False


def instance_status(seen: Seen) -> InstanceStatus:
    """The status that lists show."""
    if seen.node_offline:
        return InstanceStatus.ERROR_NODEOFFLINE
    if not seen.node_answers:
        return InstanceStatus.ERROR_NODEDOWN
    if seen.elsewhere:
        return InstanceStatus.ERROR_WRONGNODE
    if seen.guest is None:
        return _absent(seen)
    if seen.guest is GuestState.SHUTDOWN:
        return _ended_itself(seen)
    up = seen.admin_state is AdminState.UP
    return InstanceStatus.RUNNING if up else InstanceStatus.ERROR_UP


def _ended_itself(seen: Seen) -> InstanceStatus:
    if seen.admin_state is not AdminState.UP:
        return InstanceStatus.ADMIN_DOWN
    return InstanceStatus.USER_DOWN if seen.user_may_shutdown else InstanceStatus.ERROR_DOWN


def _absent(seen: Seen) -> InstanceStatus:
    if seen.admin_state is AdminState.UP:
        return InstanceStatus.ERROR_DOWN
    if seen.admin_state is AdminState.OFFLINE:
        return InstanceStatus.ADMIN_OFFLINE
    by_user = seen.admin_state_source is AdminStateSource.USER
    return InstanceStatus.USER_DOWN if by_user and seen.user_shutdown else InstanceStatus.ADMIN_DOWN
