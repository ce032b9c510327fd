"""Runs collectors: reads files, runs programs, asks confd, and has the pure parts make data of it.

Used by ganeti-mond and mon-collector. Each function is one collector. Every program has a time
limit, and so has every question.
"""

import json
import os
from collections.abc import Mapping
from typing import Final

from pyganeti.kit.clock import Clock
from pyganeti.kit.files import read_bytes
from pyganeti.kit.process import Command, ProcessError, Runner
from pyganeti.kit.threads import in_thread

from . import diskstats, drbd, load, volumes, xen
from .known import Known
from .report import CollectorError, Data
from .volumes import Owners

# Between two looks at guests that want a CPU and have none.
_SECOND_LOOK_S: Final = 1.0
_MOST_REASON: Final = 1 << 20
_TICKS: Final = os.sysconf("SC_CLK_TCK")


async def read_text(path: str) -> str:
    """A file's text; empty where it is missing.

    Raises:
        CollectorError: it cannot be read.
    """
    try:
        return (await in_thread(read_bytes, path) or b"").decode("utf-8", "replace")
    except OSError as err:
        raise CollectorError(f"{path}: {err.strerror}") from err


async def output_of(run: Runner, command: Command) -> str:
    """What a program prints.

    Raises:
        CollectorError: it is missing, fails or takes too long.
    """
    try:
        return (await run(command)).stdout
    except ProcessError as err:
        raise CollectorError(str(err)) from err


async def disk_statistics(path: str = diskstats.PATH) -> Data:
    """Data of ``diskstats``.

    Raises:
        CollectorError: it is missing or makes no sense.
    """
    text = await read_text(path)
    if not text:
        raise CollectorError(f"{path} is missing or empty")
    return diskstats.parse_diskstats(text)


async def drbd_status(instances: Mapping[int, str], path: str = drbd.PATH) -> Data:
    """Data of ``drbd``.

    Raises:
        CollectorError: it makes no sense.
    """
    return drbd.parse_drbd(await read_text(path), instances)


async def logical_volumes(run: Runner, owners: Owners) -> Data:
    """Data of ``lv``.

    Raises:
        CollectorError: lvs fails.
    """
    return volumes.parse_lvs(await output_of(run, volumes.lvs_command()), owners)


async def xen_status(run: Runner, clock: Clock, known: Known, reasons: str) -> Data:
    """Data of ``inst-status-xen``.

    Args:
        run: runs xl.
        clock: for the second look.
        known: the cluster.
        reasons: directory with the instances' reason trails.

    Raises:
        CollectorError: xl fails, confd does not answer.
    """
    primary, _secondary = await known.instances()
    domains = xen.parse_list(await output_of(run, xen.list_command()))
    if xen.is_suspect(domains):
        await clock.sleep(_SECOND_LOOK_S)
        then = xen.parse_list(await output_of(run, xen.list_command()))
        domains = xen.later(domains, then)
    uptimes = xen.parse_uptime(await output_of(run, xen.uptime_command()))
    names = [str(one["name"]) for one in primary if isinstance(one, dict) and "name" in one]
    trails = {name: await in_thread(reason_trail, reasons, name) for name in names}
    return xen.status_data(primary, domains, uptimes, trails)


def reason_trail(directory: str, name: str) -> list[Data]:
    """Why an instance is as it is; empty where nobody wrote it down. Blocking."""
    try:
        text = read_bytes(f"{directory}/{os.path.basename(name)}") or b"[]"
        found = json.loads(text) if len(text) <= _MOST_REASON else []
    except (OSError, ValueError, RecursionError):
        return []
    return found if isinstance(found, list) else []


async def cpu_seconds() -> dict[str, float]:
    """A sample for ``cpu-avg-load``.

    Raises:
        CollectorError: the kernel's file makes no sense.
    """
    return load.parse_stat(await read_text(load.STAT), _TICKS)


async def xen_seconds(run: Runner) -> dict[str, float]:
    """A sample for ``xen-cpu-avg-load``.

    Raises:
        CollectorError: xentop fails.
    """
    return load.parse_xentop(await output_of(run, load.xentop_command()))
