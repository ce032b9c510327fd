"""A job filter rule."""

from .base import Part


class FilterRule(Part, frozen=True, kw_only=True):
    """What happens to jobs that match all predicates.

    Attributes:
        watermark: last job id handed out when the rule was made.
        priority: rules apply in ascending order of it.
        predicates: ``[name, filter expression]`` each.
        action: ``ACCEPT``, ``PAUSE``, ``REJECT``, ``CONTINUE`` or ``["RATE_LIMIT", n]``.
        reason_trail: ``[source, text, nanoseconds]`` each.
    """

    uuid: str
    watermark: int
    priority: int
    predicates: tuple[tuple[object, ...], ...]
    action: str | tuple[str, int]
    reason_trail: tuple[tuple[str, str, int], ...]
