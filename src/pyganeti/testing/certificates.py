"""Certificates of simulated nodes.

Nobody checks them against anything but their digests, so the same node of two clusters of one seed
may have the same: making one costs more than most simulated jobs.
"""

from functools import cache
from typing import Final

from pyganeti.kit.tls import Authority, issue_node_certificate, make_ca

_MADE: Final = 1_700_000_000.0


@cache
def _authority() -> Authority:
    return make_ca("cluster", _MADE)


@cache
def node_certificate(name: str, uuid: str) -> bytes:
    """Key and certificate of the node ``name``, for ``uuid``, as PEM."""
    return issue_node_certificate(_authority(), name, uuid, _MADE)
