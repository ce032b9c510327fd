"""Changes of the job filters, which are no jobs: who paused everything can still say otherwise.

Called by LUXI (``ReplaceFilter``, ``DeleteFilter``). A change is durable before it is answered; the
scheduler hears of it as of any change of the configuration. Source: gnt-filter(8).
"""

import re
from collections.abc import Callable, Sequence
from typing import Any, Final

from pyganeti.kit.clock import Clock
from pyganeti.kit.ids import Ids
from pyganeti.kit.shown import shown
from pyganeti.master.config import ConfigState
from pyganeti.master.queue.filtering import make_rule
from pyganeti.model.change import Change, Kind
from pyganeti.model.errors import ECode, OpPrereqError
from pyganeti.model.view import ClusterView

_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


# Ends the reason trail of a rule, with the time at which it was made.
_SOURCE: Final = "luxid"


class JobFilters:
    """The job filters of the configuration.

    Args:
        config: where they are.
        ids: gives UUIDs.
        last_job: tells the highest job number given out.
        clock: for the reason trail.
    """

    def __init__(
        self, config: ConfigState, ids: Ids, last_job: Callable[[], int], clock: Clock
    ) -> None:
        self._config = config
        self._ids = ids
        self._last_job = last_job
        self._clock = clock

    # Any: what clients sent.
    async def replace(
        self,
        uuid: str | None,
        *,
        priority: int,
        predicates: Sequence[Any],
        action: Any,
        reason: Sequence[tuple[str, str, int]],
    ) -> str:
        """Make a rule, or put another in the place of one; its UUID.

        Args:
            uuid: of the rule to replace, or to make under this name; ``None`` for a new one.
            priority: 0 and above, 0 is looked at first.
            predicates: ``[name, filter]`` each.
            action: what happens to jobs that match all of them.
            reason: who wants this, and why.

        Raises:
            OpPrereqError: something of it cannot be understood; nothing was changed.
        """
        if uuid is not None and _UUID.fullmatch(uuid) is None:
            raise OpPrereqError(
                f"job filter: {shown(uuid)} is no UUID, expected one such as"
                " 8b53f7de-f8e2-4470-99bd-1efe746e434f in lower case",
                ECode.INVAL,
            )
        rule = make_rule(
            uuid or self._ids.uuid(),
            watermark=self._last_job(),
            priority=priority,
            predicates=predicates,
            action=action,
            reason=[*reason, (_SOURCE, "", int(self._clock.now() * 1_000_000) * 1000)],
        )

        def change(view: ClusterView) -> Change:
            _check_not_taken(view, rule.uuid)
            return Change(puts=(rule,))

        await self._config.commit(change)
        return rule.uuid

    async def delete(self, uuid: str) -> None:
        """Remove a rule.

        Raises:
            OpPrereqError: ``ECode.NOENT``, there is none of this UUID.
        """
        await self._config.commit(
            lambda view: Change(deletes=((Kind.FILTER, view.filter(uuid).uuid),))
        )


def _check_not_taken(view: ClusterView, uuid: str) -> None:
    for kind in Kind:
        if kind is not Kind.FILTER and view.find_object(kind, uuid) is not None:
            raise OpPrereqError(f"job filter: {uuid} is the UUID of a {kind}", ECode.EXISTS)
