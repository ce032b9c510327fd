"""The last of a start: a QEMU that was started stopped is completed over QMP and let run.

One that waits for a guest from elsewhere is completed too, and runs by itself.
"""

import os

from pyganeti.kit.files import read_bytes
from pyganeti.model.errors import HypervisorError
from pyganeti.wire.noderpc.specs import InstanceSpec
from pyganeti.wire.noderpc.struct import Params

from . import params, process
from .layout import GuestPaths
from .qmp import Qmp


async def let_run(qmp: Qmp, instance: InstanceSpec, paths: GuestPaths, *, paused: bool) -> None:
    """Finish a guest that was started stopped, and let it run.

    Raises:
        HypervisorError: it does not run then.
    """
    await prepare(qmp, instance, paths)
    if paused:
        return
    await qmp.execute("cont")
    status = await qmp.execute("query-status")
    if not status.get("running"):
        raise HypervisorError(f"{instance.name} was started but is {status.get('status')!r}")


async def prepare(qmp: Qmp, instance: InstanceSpec, paths: GuestPaths) -> None:
    """Give a guest that does not run yet its password and its CPUs.

    Raises:
        HypervisorError: QEMU or the kernel refused.
    """
    await _set_passwords(qmp, instance.hvparams)
    await _pin_cpus(qmp, str(instance.hvparams["cpu_mask"]), paths)


async def _set_passwords(qmp: Qmp, hvp: Params) -> None:
    for protocol, place in (("vnc", "vnc_bind_address"), ("spice", "spice_bind")):
        path = str(hvp[f"{protocol}_password_file"])
        if path and hvp[place]:
            text = (read_bytes(path) or b"").decode("utf-8", "replace").splitlines()
            # VNC itself looks at the first eight characters only.
            password = text[0].strip() if text else ""
            await qmp.execute("set_password", protocol=protocol, password=password)


async def _pin_cpus(qmp: Qmp, mask: str, paths: GuestPaths) -> None:
    masks = params.parse_cpu_mask(mask)
    found = process.find(paths)
    if found is None or masks == (None,):
        return
    if len(masks) == 1:
        threads = [int(name) for name in os.listdir(f"/proc/{found.pid}/task")]
        pairs = [(thread, masks[0]) for thread in threads]
    else:
        cpus = await qmp.execute("query-cpus-fast")
        pairs = [(cpu["thread-id"], masks[cpu["cpu-index"]]) for cpu in cpus]
    for thread, allowed in pairs:
        if allowed is not None:
            _pin(thread, allowed)


def _pin(thread: int, allowed: frozenset[int]) -> None:
    try:
        os.sched_setaffinity(thread, allowed)
    except OSError as err:
        cpus = ",".join(map(str, sorted(allowed)))
        raise HypervisorError(f"cpu_mask: CPUs {cpus}: {err.strerror}") from err
