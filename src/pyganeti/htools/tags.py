"""What tags mean to placement.

Cluster tags name prefixes: with ``htools:iextags:service`` an instance's tag ``service:dns`` keeps
it apart from others that have it. Source: hbal(1), the sections on tags.
"""

from collections.abc import Iterable
from typing import Final

EXCLUSION: Final = "htools:iextags:"
MIGRATION: Final = "htools:migration:"
ALLOW_MIGRATION: Final = "htools:allowmigration:"
LOCATION: Final = "htools:nlocation:"
DESIRED_LOCATION: Final = "htools:desiredlocation:"


def prefixes(cluster_tags: Iterable[str], kind: str) -> tuple[str, ...]:
    """What the cluster's tags of ``kind`` name, as beginnings of other tags (``service:``)."""
    return tuple(tag.removeprefix(kind) + ":" for tag in cluster_tags if tag.startswith(kind))


def matching(tags: Iterable[str], prefixes: tuple[str, ...]) -> frozenset[str]:
    """Those of ``tags`` that begin with one of ``prefixes``."""
    return frozenset(tag for tag in tags if tag.startswith(prefixes))


def receivable(tags: frozenset[str], cluster_tags: Iterable[str]) -> frozenset[str]:
    """The migration tags that a node with ``tags`` is able to receive instances from.

    Its own, and ``x`` for each of its tags ``y`` with ``htools:allowmigration:x::y``.
    """
    allowed = [
        tag.removeprefix(ALLOW_MIGRATION).split("::")
        for tag in cluster_tags
        if tag.startswith(ALLOW_MIGRATION)
    ]
    return tags | {pair[0] for pair in allowed if len(pair) == 2 and pair[1] in tags}
