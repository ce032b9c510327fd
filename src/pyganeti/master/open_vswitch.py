"""The switch that a node with the parameter ``ovs`` gets when it joins. Source: ganeti(7)."""

from pyganeti.master.jobs.run import Run
from pyganeti.model.node import Node
from pyganeti.model.params import nd
from pyganeti.wire.noderpc.node import NodeConfigureOvsCall


async def make_switch(run: Run, node: Node) -> None:
    """Make the node's switch, if its parameters ask for one.

    Nothing undoes it: guests of others may use it by then, and making it again finds it.

    Raises:
        NetworkError: the node cannot; says why.
    """
    params = run.config.view.filled_ndparams(node)
    if not params.ovs:
        return
    name, link = params.ovs_name or str(nd.DEFAULTS["ovs_name"]), params.ovs_link or ""
    if not link:
        text = f"switch {name} on node {node.name} has no connection to the outside"
        run.log(f"Warning: ovs_link is not set, {text}")
    async with run.step("make switch"):
        await run.nodes.call(node.uuid, NodeConfigureOvsCall(ovs_name=name, ovs_link=link))
