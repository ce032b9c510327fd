"""How long syncs will take: DRBD says how far they are, their speed is what was seen of them."""

from pyganeti.kit.clock import Clock

from .state import DeviceState


class Syncs:
    """The syncs of a node's devices, as far as anybody looked at them.

    Args:
        clock: time.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        # By minor: when a sync was seen first, and what was out of sync then.
        self._begun: dict[int, tuple[float, int]] = {}

    def estimate(self, state: DeviceState) -> int | None:
        """Seconds until the device is in sync; ``None`` while nothing is known, or without one."""
        if not state.is_syncing:
            self._begun.pop(state.minor, None)
            return None
        now, left = self._clock.monotonic(), state.out_of_sync
        begun, then = self._begun.setdefault(state.minor, (now, left))
        if left > then:  # more was written than synced, or this is another sync
            self._begun[state.minor] = (now, left)
            return None
        if left == then or now <= begun:
            return None
        return round(left * (now - begun) / (then - left))
