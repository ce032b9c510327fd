"""Guests that are shut down from inside: whether that is their users' right."""

from pyganeti.model.enums import Hypervisor
from pyganeti.model.instance import Instance
from pyganeti.model.view import ClusterView


def user_may_shut_down(instance: Instance, view: ClusterView) -> bool:
    """Whether a guest that ended by its own will may stay so: by the cluster and its parameters.

    Of hypervisors other than KVM it is always known who ended a guest.
    """
    if not view.cluster.enabled_user_shutdown:
        return False
    if instance.hypervisor is not Hypervisor.KVM:
        return True
    return bool(view.filled_hvparams(instance, skip_globals=True)["user_shutdown"])
