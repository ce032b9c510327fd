"""Say how to reach an instance's console, for programs; commands ask the field ``console``.

Source: gnt-instance(8) CONSOLE.
"""

from typing import Any

from pyganeti.master.instances.consoles import console_object, with_ssh_port
from pyganeti.master.instances.guests import check_online, guest_info
from pyganeti.master.instances.specs import instance_spec
from pyganeti.master.jobs.run import Run
from pyganeti.master.locks import LockRequest
from pyganeti.master.lu.base import LogicalUnit
from pyganeti.master.nodes import NodeReader
from pyganeti.model.errors import ECode, GenericError, OpPrereqError
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.instance import OpInstanceConsole
from pyganeti.wire.noderpc.instance import InstanceConsoleInfoCall

# Any: names, numbers, a command's words.
Console = dict[str, Any]


class LUInstanceConsole(LogicalUnit[OpInstanceConsole, Console, Console]):
    """Ask an instance's node for its console; the result is Ganeti's console object."""

    def declare_locks(self, op: OpInstanceConsole, view: ClusterView) -> LockRequest:
        """Share the instance: it stays where it is until the answer is there."""
        return LockRequest(shared_instances=frozenset({view.instance(op.instance_name).name}))

    async def check_prereq(
        self, op: OpInstanceConsole, view: ClusterView, nodes: NodeReader
    ) -> Console:
        """Ask; reads only.

        Raises:
            OpPrereqError: the instance does not run, or its node is offline or does not answer.
        """
        instance = view.instance(op.instance_name)
        check_online(view, instance.primary_node)
        if await guest_info(nodes, view, instance) is None:
            text = f"instance {instance.name} is not running, it has no console"
            raise OpPrereqError(text, ECode.STATE)
        call = InstanceConsoleInfoCall(instances=(instance_spec(view, instance),))
        node = view.node(instance.primary_node)
        try:
            found = (await nodes.call(node.uuid, call)).get(instance.name)
        except GenericError as err:
            text = f"node {node.name} cannot be asked for the console of {instance.name}: {err}"
            raise OpPrereqError(text, ECode.ENVIRON) from err
        if found is None:
            text = f"node {node.name} knows of no console of instance {instance.name}"
            raise OpPrereqError(text, ECode.ENVIRON)
        return console_object(with_ssh_port(found, instance, view))

    async def execute(self, run: Run, plan: Console) -> Console:
        """Answer."""
        return plan
