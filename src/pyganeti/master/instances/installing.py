"""Running create scripts: on the node, or in a helper where the OS is not trusted.

Source: gnt-instance(8) ADD and REINSTALL; docs/design/0018-untrusted-os.md.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from pyganeti.master.instances.guests import bare_spec, check_memory, refused_by
from pyganeti.master.instances.specs import instance_spec
from pyganeti.master.jobs.run import Run, undo
from pyganeti.master.nodes import NodeReader
from pyganeti.model.enums import Hypervisor
from pyganeti.model.errors import ECode, GenericError, OpExecError, OpPrereqError
from pyganeti.model.images import shown
from pyganeti.model.instance import Instance
from pyganeti.model.node import Node
from pyganeti.model.view import ClusterView
from pyganeti.wire.noderpc.instance import ImageCheckCall, InstanceInstallCall, InstanceOsAddCall
from pyganeti.wire.noderpc.os import OsDiagnoseCall
from pyganeti.wire.noderpc.specs import InstanceSpec

# What a helper may take until it asks, and from then on: Ganeti's HELPER_VM_STARTUP, _SHUTDOWN.
STARTUP_S: Final = 300
SHUTDOWN_S: Final = 7200
_STEP: Final = "install operating system"


class Helper(msgspec.Struct, frozen=True):
    """The guest that runs an untrusted script.

    Attributes:
        image: that it boots.
        startup_s: how long it may take until it asks for something.
        shutdown_s: how long it may take from then on.
    """

    image: str
    startup_s: float
    shutdown_s: float


async def find_helper(
    nodes: NodeReader,
    view: ClusterView,
    spec: InstanceSpec,
    *,
    startup_s: int | None = None,
    shutdown_s: int | None = None,
    reserved: int = 0,
) -> Helper | None:
    """The helper that an instance's OS needs, which its primary node has; ``None`` for none.

    Args:
        nodes: to ask.
        view: the cluster.
        spec: the instance.
        startup_s: as asked for; by default Ganeti's.
        shutdown_s: likewise.
        reserved: MiB of memory there that are kept for others.

    Raises:
        OpPrereqError: there is no helper for it; says what is missing.
    """
    node = view.node(spec.primary_node)
    if await _is_trusted(nodes, node, spec.os):
        return None
    _check_settings(view, spec)
    helper = Helper(
        view.cluster.install_image,
        _seconds("helper_startup_timeout", startup_s, STARTUP_S),
        _seconds("helper_shutdown_timeout", shutdown_s, SHUTDOWN_S),
    )
    try:
        await nodes.call(node.uuid, ImageCheckCall(image=helper.image))
    except GenericError as err:
        raise refused_by(node, err, ECode.ENVIRON) from err
    await check_memory(nodes, view, spec, reserved)
    return helper


async def _is_trusted(nodes: NodeReader, node: Node, os: str) -> bool:
    name = os.partition("+")[0]
    try:
        found = await nodes.call(node.uuid, OsDiagnoseCall())
    except GenericError as err:
        raise refused_by(node, err, ECode.ENVIRON) from err
    return next((one.trusted for one in found if one.name == name), True)


def _check_settings(view: ClusterView, spec: InstanceSpec) -> None:
    why = f"OS {spec.os} has only an untrusted create script, which a helper guest is to run"
    advice = "set it with gnt-cluster modify"
    if not view.cluster.install_image:
        text = f"{why}, but the cluster has no image for it: {advice} --install-image"
        raise OpPrereqError(text, ECode.STATE)
    if not view.cluster.instance_communication_network:
        text = f"{why}, but the cluster has no network in which it could ask for the script"
        raise OpPrereqError(f"{text}: {advice} --instance-communication-network", ECode.STATE)
    if spec.hypervisor != Hypervisor.KVM:
        text = f"{why}, and helpers run under kvm only, not under {spec.hypervisor}"
        raise OpPrereqError(text, ECode.STATE)


def _seconds(name: str, given: int | None, default: int) -> int:
    if given is not None and given <= 0:
        raise OpPrereqError(f"{name} is {given}, it must be at least one second", ECode.INVAL)
    return default if given is None else given


async def install(
    run: Run,
    instance: Instance,
    rest: msgspec.Struct,
    secrets: Mapping[str, Any],  # Any: OS parameters as given
    helper: Helper | None,
    *,
    reinstall: bool = False,
) -> None:
    """Run the create script, as a step that a later master goes on waiting for.

    Args:
        run: the job.
        instance: as recorded, its disks active.
        rest: what is to be done then; see :meth:`Run.await_tasks`.
        secrets: secret OS parameters.
        helper: where the script runs; ``None`` for the node.
        reinstall: it was installed before.

    Raises:
        OpExecError: the script failed, or no memory is left for the helper.
        GenericError: another reason.
    """
    node, view = instance.primary_node, run.config.view
    if helper is None:
        spec = instance_spec(view, instance, osparams_private=secrets)
        add = InstanceOsAddCall(instance=spec, reinstall=reinstall)
        await run.await_tasks(_STEP, {node: add}, rest)
        return
    call = InstanceInstallCall(
        instance=instance_spec(view, instance),
        image=helper.image,
        startup_s=helper.startup_s,
        shutdown_s=helper.shutdown_s,
        secrets=dict(secrets),
        reinstall=reinstall,
    )
    run.log(f"* they run in a helper that boots {shown(helper.image)}")
    async with run.turns[node]:
        try:
            await check_memory(run.nodes, view, call.instance)
        except OpPrereqError as err:
            raise OpExecError(str(err)) from err
    bare = msgspec.to_builtins(bare_spec(view, instance))
    back = undo("instance.end_helper", node=node, spec=bare)
    warn_of_silence(run, await run.await_tasks(_STEP, {node: call}, rest, back))


def warn_of_silence(run: Run, answers: Mapping[str, bool]) -> None:
    """Say that it is not known whether the script succeeded, of a helper that told nothing."""
    if False in answers.values():
        run.log("Warning: the helper powered itself off and did not tell how the script went")
