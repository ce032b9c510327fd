"""A line of waiting jobs: who is first, with cheap joining and leaving at any place. Pure."""

import heapq
from collections.abc import Iterator
from typing import Final

# Where a job stands in every line it is in: the time at which it reaches the highest priority,
# then its number. See ``docs/design/0005-scheduling.md`` (Order).
Place = tuple[float, int]

# Below this many left places, sweeping costs more than it saves.
_SWEEP_ABOVE: Final = 64


class Line:
    """Job ids by their place; each at most once."""

    __slots__ = ("_heap", "_places")

    def __init__(self) -> None:
        self._places: dict[int, Place] = {}
        # Also holds places that were left; they are skipped when they come to the front.
        self._heap: list[Place] = []

    def __len__(self) -> int:
        return len(self._places)

    def __iter__(self) -> Iterator[int]:
        """Ids in no order."""
        return iter(self._places)

    def join(self, place: Place) -> None:
        """Put the job of ``place`` there; it leaves the place it had."""
        if self._places.get(place[1]) != place:
            self._places[place[1]] = place
            heapq.heappush(self._heap, place)
            self._sweep()

    def leave(self, job_id: int) -> None:
        """Take a job out, if it is in."""
        if self._places.pop(job_id, None) is not None:
            self._sweep()

    def first(self) -> int | None:
        """The job that is first."""
        while self._heap:
            place = self._heap[0]
            if self._places.get(place[1]) == place:
                return place[1]
            heapq.heappop(self._heap)
        return None

    def _sweep(self) -> None:
        if len(self._heap) > 2 * len(self._places) + _SWEEP_ABOVE:
            self._heap = list(self._places.values())
            heapq.heapify(self._heap)
