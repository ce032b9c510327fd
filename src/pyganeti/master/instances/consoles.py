"""How consoles of instances are reached, as clients are told; used by queries and by the opcode."""

from typing import Any

import msgspec

from pyganeti.model.instance import Instance
from pyganeti.model.view import ClusterView
from pyganeti.wire.noderpc.guests import ConsoleInfo


def with_ssh_port(info: ConsoleInfo, instance: Instance, view: ClusterView) -> ConsoleInfo:
    """What the instance's node said, and where its ssh daemon listens, which it does not know."""
    if info.kind != "ssh":
        return info
    node = view.node(instance.primary_node)
    return msgspec.structs.replace(info, port=view.filled_ndparams(node).ssh_port)


def console_object(info: ConsoleInfo) -> dict[str, Any]:  # Any: names, numbers, a command's words
    """Ganeti's console object: only what is known is in it."""
    told: dict[str, Any] = msgspec.to_builtins(info)
    return {name: value for name, value in told.items() if value is not None}
