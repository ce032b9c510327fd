"""What is done to a new instance once it is recorded and its disks are active.

    wipe -> sync -> OS scripts or import -> start

Each of these may take an hour; a master that starts meanwhile goes on where it was.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from pyganeti.master.backup.importing import ImportSource, fill_disks, rename_within
from pyganeti.master.backup.remote import RemoteSource, confirm, listen
from pyganeti.master.changes import instance_fields
from pyganeti.master.disks.mirrors import wait_for_sync
from pyganeti.master.instances.guests import bare_spec, shut_down_disks, start_guest
from pyganeti.master.instances.installing import Helper, install
from pyganeti.master.instances.specs import instance_spec
from pyganeti.master.jobs.run import Run, undo
from pyganeti.master.locks import Level
from pyganeti.model.enums import AdminState, InstanceCreateMode
from pyganeti.model.instance import Instance
from pyganeti.wire.noderpc.blockdev import BlockdevWipeCall
from pyganeti.wire.noderpc.remote import RemoteImportCall
from pyganeti.wire.noderpc.specs import InstanceSpec


class CreateRest(msgspec.Struct, frozen=True):
    """What is to be done once the disks are active.

    Attributes:
        uuid: of the instance.
        wipe: indices of the disks to be overwritten.
        sync: wait until mirrors are in sync, or only until they sync; ``None`` for others.
        shut_down: the disks, in the end.
        source: what the disks are filled from, of an imported instance.
        helper: where the OS scripts run, if not on the node.
        remote: what the disks come from, of an instance of another cluster.
    """

    uuid: str
    wipe: tuple[int, ...]
    sync: bool | None
    install: bool
    start: bool
    shut_down: bool
    mode: InstanceCreateMode = InstanceCreateMode.CREATE
    source: ImportSource | None = None
    helper: Helper | None = None
    remote: RemoteSource | None = None


async def finish_creation(run: Run, rest: CreateRest, secrets: Mapping[str, Any]) -> list[str]:
    """Do all of it; the names of the instance's nodes. Any: OS parameters as given."""
    view = run.config.view
    instance = view.instances[rest.uuid]
    rest = await _fill(run, rest, instance, secrets)
    # Secret parameters are the scripts' only, an ordinary guest is told none.
    spec = instance_spec(view, instance)
    if rest.start:
        await _start(run, spec, msgspec.to_builtins(bare_spec(view, instance)))
    elif rest.shut_down:
        async with run.step("shut down disks"):
            await shut_down_disks(run.nodes, spec)
    return [node.name for node in view.instance_nodes(instance)]


async def _fill(
    run: Run, rest: CreateRest, instance: Instance, secrets: Mapping[str, Any]
) -> CreateRest:
    """Wipe and sync the disks, and run the OS scripts; what is then left to be done."""
    spec = instance_spec(run.config.view, instance, osparams_private=secrets)
    if rest.wipe:
        run.log("* wiping instance disks...")
    for index in rest.wipe:
        disk = spec.disks[index]
        wipe = BlockdevWipeCall(disk=disk, size=disk.size)
        rest = msgspec.structs.replace(rest, wipe=rest.wipe[1:])
        await run.await_tasks(f"wipe disk/{index}", {spec.primary_node: wipe}, rest)
    if rest.sync is not None:
        complete, rest = rest.sync, msgspec.structs.replace(rest, sync=None)
        await wait_for_sync(run, spec, rest, complete=complete)
    # The scripts may take an hour, in which other instances want to start on this node.
    run.locks.release(Level.NODE_RES)
    if rest.install:
        run.log("* running the instance OS create scripts...")
        rest = msgspec.structs.replace(rest, install=False)
        await install(run, instance, rest, secrets, rest.helper)
    if rest.source is not None:
        await fill_disks(
            run, spec, rest.source, lambda left: msgspec.structs.replace(rest, source=left)
        )
    if rest.remote is not None:
        rest = await _receive(run, rest, instance, rest.remote, spec)
    return rest


async def _receive(
    run: Run, rest: CreateRest, instance: Instance, source: RemoteSource, spec: InstanceSpec
) -> CreateRest:
    """Take the disks from another cluster, which removes its own only when these are kept."""
    if not source.transfer:
        source = await listen(run, instance, source)
        rest = msgspec.structs.replace(rest, remote=source)
        call = RemoteImportCall(
            instance=spec,
            transfer=source.transfer,
            magics=source.magics,
            connect_timeout_s=source.wait_s,
            compress=source.compress,
        )
        await run.await_tasks("import disks", {spec.primary_node: call}, rest)
    # First of all, and right after the wait: a master that dies here goes on with the wait.
    await confirm(run, spec.primary_node, source)
    await rename_within(run, spec, source.name)
    return msgspec.structs.replace(rest, remote=None)


async def _start(run: Run, spec: InstanceSpec, bare: dict[str, object]) -> None:
    run.log("* starting instance...")
    async with run.step("record admin state"):  # undone with the instance itself
        await run.config.commit(
            instance_fields(spec.uuid, admin_state=AdminState.UP, disks_active=True)
        )
    async with run.step("start guest", undo("instance.stop", spec=bare)):
        await start_guest(run, spec)
