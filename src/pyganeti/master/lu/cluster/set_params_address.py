"""The cluster's address on another device, with another netmask, by another script.

    old address down ── settings recorded ── new address up

A fault anywhere brings the settings and the address back as they were.
"""

import ipaddress
from typing import Any, Final

import msgspec

from pyganeti.master.changes import cluster_fields
from pyganeti.master.jobs.run import Run, undo
from pyganeti.master.master_ip import activate_call, deactivate_call
from pyganeti.model.cluster import Cluster
from pyganeti.model.errors import ECode, OpPrereqError
from pyganeti.opcodes.cluster import OpClusterSetParams

ADDRESS: Final = frozenset({"master_netdev", "master_netmask", "use_external_mip_script"})


def address_fields(op: OpClusterSetParams, cluster: Cluster) -> dict[str, Any]:
    """What will be another of the address. Any: texts, numbers, flags.

    Raises:
        OpPrereqError: ``ECode.INVAL``, a device without a name, or a netmask that is none.
    """
    asked = {name: value for name in ADDRESS if (value := getattr(op, name)) is not None}
    if asked.get("master_netdev") == "":
        raise OpPrereqError("the master network device must have a name", ECode.INVAL)
    longest = ipaddress.ip_address(cluster.master_ip).max_prefixlen
    if not 0 < asked.get("master_netmask", longest) <= longest:
        text = f"{asked['master_netmask']} is no netmask of {cluster.master_ip}: it counts bits,"
        raise OpPrereqError(f"{text} from 1 to {longest}", ECode.INVAL)
    return {name: value for name, value in asked.items() if getattr(cluster, name) != value}


async def move_address(run: Run, fields: dict[str, Any]) -> None:
    """Take the address down, record ``fields``, and bring it up again."""
    old = run.config.view.cluster
    new = msgspec.structs.replace(old, **fields)
    async with run.step("deactivate master address", undo("cluster.activate_address")):
        await run.nodes.call(old.master_node, deactivate_call(old))
    before = {name: getattr(old, name) for name in fields}
    back = undo("cluster.set_fields", fields=before)
    async with run.step("record settings of the address", back):
        await run.config.commit(cluster_fields(**fields))
    call = msgspec.to_builtins(deactivate_call(new))
    async with run.step("activate master address", undo("cluster.deactivate_address", call=call)):
        await run.nodes.call(new.master_node, activate_call(new))
