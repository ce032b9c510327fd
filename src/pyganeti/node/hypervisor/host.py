"""Memory and CPUs of a Linux node, for hypervisors that run guests as processes of the host.

A virtual node owns a share of its machine. Source: proc(5), ``meminfo`` and ``cpuinfo``.
"""

from dataclasses import dataclass

from pyganeti.model.errors import HypervisorError
from pyganeti.model.params.checks import parse_cpu_mask
from pyganeti.wire.noderpc.guests import HypervisorInfo


@dataclass(frozen=True, slots=True)
class Memory:
    """Memory in MiB; what is only cached counts as free."""

    total: int
    free: int


def parse_meminfo(text: str) -> Memory:
    """Read ``/proc/meminfo``.

    Raises:
        HypervisorError: a line is missing.
    """
    try:
        values = {
            key: int(rest.split()[0])
            for key, _colon, rest in (line.partition(":") for line in text.splitlines())
            if rest
        }
        free = values["MemFree"] + values["Buffers"] + values["Cached"]
        return Memory(values["MemTotal"] // 1024, free // 1024)
    except (KeyError, ValueError, IndexError) as err:
        raise HypervisorError(f"unexpected /proc/meminfo: {text[:200]!r}") from err


def parse_cpuinfo(text: str) -> tuple[int, int]:
    """Logical CPUs and sockets in ``/proc/cpuinfo``; at least one of each."""
    lines = [[part.strip() for part in line.split(":", 1)] for line in text.splitlines()]
    cpus = sum(1 for line in lines if line[0] == "processor")
    sockets = {line[1] for line in lines if line[0] == "physical id" and len(line) == 2}
    return max(cpus, 1), max(len(sockets), 1)


def parse_cpu(text: str) -> tuple[str, tuple[str, ...]]:
    """Vendor and flags of the first CPU in ``/proc/cpuinfo``, the flags sorted."""
    first = text.partition("\n\n")[0]
    lines = (line.partition(":") for line in first.splitlines())
    values = {key.strip(): value.strip() for key, _colon, value in lines}
    return values.get("vendor_id", ""), tuple(sorted(values.get("flags", "").split()))


def read_cpu() -> tuple[str, tuple[str, ...]]:
    """Vendor and flags of the host's CPU, see :func:`parse_cpu`."""
    with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as handle:
        return parse_cpu(handle.read())


def online_cpus() -> frozenset[int]:
    """Numbers of the CPUs that run. Source: the kernel's ``cputopology``."""
    with open("/sys/devices/system/cpu/online", encoding="ascii") as handle:
        return frozenset(parse_cpu_mask(handle.read().strip()))


def read_host(share: int, version: str = "") -> HypervisorInfo:
    """The host's memory and CPUs, divided by ``share`` for a virtual node."""
    with open("/proc/meminfo", encoding="ascii") as handle:
        memory = parse_meminfo(handle.read())
    with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as handle:
        cpus, sockets = parse_cpuinfo(handle.read())
    return HypervisorInfo(
        memory_total=memory.total // share,
        memory_free=memory.free // share,
        memory_dom0=(memory.total - memory.free) // share,
        cpu_total=max(cpus // share, 1),
        cpu_sockets=sockets,
        hv_version=version,
    )
