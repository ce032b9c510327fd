"""Orders and answers of a QEMU that sends a guest, over an open QMP session.

Source: QEMU's QMP reference, ``migrate`` and what belongs to it; gnt-instance(8), parameters
``migration_*``.
"""

from typing import Any, Final

from pyganeti.model.errors import HypervisorError
from pyganeti.node.hypervisor.migration import Progress
from pyganeti.node.storage.base import MIB
from pyganeti.wire.noderpc.guests import GuestRole
from pyganeti.wire.noderpc.struct import Params
from pyganeti.wire.noderpc.types import TaskProgress

from .qmp import Qmp

# Rounds over the memory before a guest that may goes on there, the rest of its memory following.
_POSTCOPY_AFTER: Final = 2
_POSTCOPY: Final = "postcopy-ram"
# What query-migrate says while something is on its way.
_SENDING: Final = frozenset(
    {
        "setup",
        "active",
        "cancelling",
        "device",
        "pre-switchover",
        "wait-unplug",
        "postcopy-active",
        "postcopy-paused",
        "postcopy-recover",
    }
)
_FAILED: Final = frozenset({"failed", "cancelled"})


async def find_role(qmp: Qmp) -> GuestRole:
    """What this copy of the guest is."""
    state = (await qmp.execute("query-status"))["status"]
    if state == "inmigrate":
        return GuestRole.INCOMING
    if state == "postmigrate":
        return GuestRole.SENT
    found = (await qmp.execute("query-migrate")).get("status")
    return GuestRole.OUTGOING if found in _SENDING else GuestRole.RUNNING


async def find_failure(qmp: Qmp) -> str | None:
    """Why it is not being sent any more; ``None`` while it is."""
    found = await qmp.execute("query-migrate")
    if found.get("status") in _FAILED:
        return f"sending {found['status']}: {found.get('error-desc', 'no reason is given')}"
    return None


async def begin(qmp: Qmp, hvp: Params, uri: str, *, live: bool) -> None:
    """Let QEMU send the guest to ``uri``; it returns at once."""
    await set_capabilities(qmp, hvp)
    limits = {
        "max-bandwidth": int(hvp["migration_bandwidth"]) * MIB,
        "downtime-limit": int(hvp["migration_downtime"]),
    }
    await qmp.execute("migrate-set-parameters", **limits)
    if not live:
        await qmp.execute("stop")
    await qmp.execute("migrate", uri=uri)


async def cancel(qmp: Qmp) -> None:
    """Tell QEMU to send no more, unless the guest runs on the target already.

    Then only the rest of its memory is here: whoever stopped that would end the guest.
    """
    status = (await qmp.execute("query-migrate")).get("status", "")
    if not status.startswith("postcopy"):
        await qmp.execute("migrate_cancel")


def parse_capabilities(text: str, known: frozenset[str]) -> frozenset[str]:
    """Capabilities by the names that this QEMU has for them; old ones began with ``x-``.

    Raises:
        HypervisorError: it has none of that name.
    """
    found = set()
    for name in filter(None, text.split(":")):
        current = name if name in known else name.removeprefix("x-")
        if current not in known:
            names = ", ".join(sorted(known))
            raise HypervisorError(
                f"hypervisor parameter migration_caps: {name!r}, expected of {names}"
            )
        found.add(current)
    return frozenset(found)


async def set_capabilities(qmp: Qmp, hvp: Params) -> None:
    """Switch on what ``migration_caps`` names, and off what else was on.

    Raises:
        HypervisorError: this QEMU does not have one of them.
    """
    answer = await qmp.execute("query-migrate-capabilities")
    now = {entry["capability"]: bool(entry["state"]) for entry in answer}
    wanted = parse_capabilities(str(hvp["migration_caps"]), frozenset(now))
    changes = [
        {"capability": name, "state": name in wanted}
        for name, on in now.items()
        if on != (name in wanted)
    ]
    if changes:
        await qmp.execute("migrate-set-capabilities", capabilities=changes)


async def follow(qmp: Qmp, hvp: Params) -> None:
    """Let a guest that may go on there before all of its memory came do so in time."""
    if _POSTCOPY not in str(hvp["migration_caps"]):
        return
    found = await qmp.execute("query-migrate")
    rounds = found.get("ram", {}).get("dirty-sync-count", 0)
    if found.get("status") == "active" and rounds >= _POSTCOPY_AFTER:
        await qmp.execute("migrate-start-postcopy")


async def tell_progress(qmp: Qmp, progress: Progress) -> None:
    """Tell how much was sent, and how much there is as far as is known now."""
    made = parse_progress(await qmp.execute("query-migrate"))
    if made is not None:
        progress(made)


def parse_progress(answer: dict[str, Any]) -> TaskProgress | None:  # Any: JSON of QEMU's schema
    """Memory sent, of all that was and is to be sent; ``None`` before it is known.

    What the guest wrote again meanwhile is to be sent again, so the whole grows.
    """
    ram = answer.get("ram")
    if not ram:
        return None
    total = int(ram["total"]) // MIB
    left = -(-int(ram["remaining"]) // MIB)
    return TaskProgress(max(total - left, 0), total)
