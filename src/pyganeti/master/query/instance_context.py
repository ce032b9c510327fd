"""What instance fields read besides the instance: the snapshot and what nodes said."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from pyganeti.master.instances.user_shutdown import user_may_shut_down
from pyganeti.model.enums import FieldStatus
from pyganeti.model.errors import GenericError
from pyganeti.model.instance import Instance
from pyganeti.model.node import Node
from pyganeti.model.view import ClusterView
from pyganeti.wire.noderpc.guests import (
    ConsoleInfo,
    GuestInfo,
    GuestState,
)

from .fields import Field
from .live import Guests
from .status import Seen


@dataclass(frozen=True, slots=True)
class InstanceContext:
    """Read by getters.

    Attributes:
        view: the snapshot.
        guests: guests by node UUID.
        running_on: for each guest name, the nodes where it runs.
        consoles: by instance UUID.
    """

    view: ClusterView
    guests: Mapping[str, Guests | GenericError] = field(default_factory=dict)
    running_on: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    consoles: Mapping[str, ConsoleInfo | GenericError] = field(default_factory=dict)
    # The filled parameters of the row being built: several of its cells want the same.
    _row: dict[str, tuple[Instance, dict[str, Any]]] = field(default_factory=dict)

    def primary(self, instance: Instance) -> Node | None:
        """The primary node; a forthcoming instance may have none."""
        return self.view.nodes.get(instance.primary_node)

    def guest(self, instance: Instance) -> GuestInfo | FieldStatus:
        """The guest on its primary node; unavailable when it is not there."""
        node = self.primary(instance)
        if node is None or instance.forthcoming:
            return FieldStatus.UNAVAIL
        if node.offline:
            return FieldStatus.OFFLINE
        answer = self.guests.get(node.uuid)
        if not isinstance(answer, Mapping):
            return FieldStatus.NODATA
        return answer.get(instance.name, FieldStatus.UNAVAIL)

    # Any: filled parameters are JSON values of the type their set declares.
    def hvparams(self, instance: Instance) -> dict[str, Any]:
        """Filled hypervisor parameters, those that only the cluster can set left out."""
        known = self._row.get("hv")
        if known is None or known[0] is not instance:
            params = self.view.filled_hvparams(instance, skip_globals=True)
            known = self._row["hv"] = (instance, params)
        return known[1]

    def beparams(self, instance: Instance) -> dict[str, Any]:
        """Filled backend parameters."""
        known = self._row.get("be")
        if known is None or known[0] is not instance:
            params = msgspec.structs.asdict(self.view.filled_beparams(instance))
            known = self._row["be"] = (instance, params)
        return known[1]

    def seen(self, instance: Instance) -> Seen:
        """What is known of the instance, for its status."""
        node = self.primary(instance)
        guest = self.guest(instance)
        elsewhere = any(
            uuid != instance.primary_node for uuid in self.running_on.get(instance.name, ())
        )
        shutdown = self.view.cluster.enabled_user_shutdown
        return Seen(
            admin_state=instance.admin_state,
            admin_state_source=instance.admin_state_source,
            node_offline=node is not None and node.offline,
            node_answers=guest is not FieldStatus.NODATA,
            elsewhere=elsewhere,
            guest=guest.state if isinstance(guest, GuestInfo) else None,
            user_shutdown=shutdown,
            user_may_shutdown=user_may_shut_down(instance, self.view),
        )


InstanceField = Field[Instance, InstanceContext]


def running_on(guests: Mapping[str, Guests | GenericError]) -> dict[str, tuple[str, ...]]:
    """Where each guest runs; one that has shut itself down runs nowhere."""
    found: dict[str, tuple[str, ...]] = {}
    for node, answer in guests.items():
        if isinstance(answer, Mapping):
            for name, guest in answer.items():
                if guest.state is not GuestState.SHUTDOWN:
                    found[name] = (*found.get(name, ()), node)
    return found
