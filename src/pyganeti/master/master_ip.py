"""The cluster's own address, which is where its master is: calls that move it. Pure."""

from pyganeti.model.cluster import Cluster
from pyganeti.wire.noderpc.node import (
    MasterIpParams,
    NodeActivateMasterIpCall,
    NodeDeactivateMasterIpCall,
)


def activate_call(cluster: Cluster) -> NodeActivateMasterIpCall:
    """Configure the address."""
    return NodeActivateMasterIpCall(
        master=_parameters(cluster), use_external_script=cluster.use_external_mip_script
    )


def deactivate_call(cluster: Cluster) -> NodeDeactivateMasterIpCall:
    """Take the address away."""
    return NodeDeactivateMasterIpCall(
        master=_parameters(cluster), use_external_script=cluster.use_external_mip_script
    )


def _parameters(cluster: Cluster) -> MasterIpParams:
    return MasterIpParams(
        ip=cluster.master_ip,
        netmask=cluster.master_netmask,
        netdev=cluster.master_netdev,
        ip_family=cluster.primary_ip_family,
        uuid=cluster.uuid,
    )
