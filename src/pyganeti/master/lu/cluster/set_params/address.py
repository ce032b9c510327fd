"""The cluster's address on another device, with another netmask, by another script. Pure."""

import ipaddress
from typing import Any, Final

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
