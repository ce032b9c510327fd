"""Parameters that the cluster sets for operating systems."""

from collections.abc import Mapping
from typing import Any

from pyganeti.master.instances.guests import refused_by
from pyganeti.master.nodes import NodeReader
from pyganeti.model.cluster import Cluster
from pyganeti.model.errors import ECode, GenericError
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.cluster import OpClusterSetParams
from pyganeti.wire.noderpc.os import OsValidateCall

# Any: parameter values are JSON.
Params = Mapping[str, Any]


async def check_osparams(
    op: OpClusterSetParams, view: ClusterView, after: Cluster, nodes: NodeReader
) -> None:
    """Let the master's definition of each OS look at its parameters, as they will be.

    One that the master does not have may come later, with the parameters waiting for it.

    Raises:
        OpPrereqError: ``ECode.INVAL``, or ``ECode.ENVIRON`` when the master's node does not answer.
    """
    master = view.node(view.cluster.master_node)
    for name in sorted({*(op.osparams or ()), *(op.osparams_private_cluster or ())}):
        call = OsValidateCall(
            required=False,
            name=name,
            osparams=dict(after.osparams.get(name, {})),
            osparams_private=dict(after.osparams_private_cluster.get(name, {})),
            force_variant=True,
        )
        try:
            await nodes.call(master.uuid, call)
        except GenericError as err:
            raise refused_by(master, err, ECode.INVAL) from err


def updated_osparams(old: Params, given: Params) -> Params:
    """By OS; a value of null forgets a parameter, and an OS without any is left out."""
    news = {name: _without_null({**old.get(name, {}), **values}) for name, values in given.items()}
    return {name: values for name, values in {**old, **news}.items() if values}


def _without_null(values: Params) -> Params:
    return {key: value for key, value in values.items() if value is not None}
