"""Certificates of simulated nodes.

Nobody checks them against anything but their digests, so the same node of two clusters of one seed
may have the same: making one costs more than most simulated jobs. Those of :func:`certify` hold.
"""

from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, Final

from pyganeti.kit.clock import now
from pyganeti.kit.files import write_atomic
from pyganeti.kit.paths import Paths
from pyganeti.kit.tls import Authority, issue_node_certificate, make_ca
from pyganeti.master.key_files import KeyFiles
from pyganeti.model.remote import DomainSecret

if TYPE_CHECKING:
    from pyganeti.testing.nodes import SimNode

# Of the simulated authority, as long as nothing is to be signed with it.
# Known to all simulated clusters.
SECRET: Final = b"the domain secret of simulated clusters"
AUTHORITY_KEY: Final = b"a key\n"
_MADE: Final = 1_700_000_000.0


@cache
def _authority() -> Authority:
    return make_ca("cluster", _MADE)


@cache
def node_certificate(name: str, uuid: str) -> bytes:
    """Key and certificate of the node ``name``, for ``uuid``, as PEM."""
    return issue_node_certificate(_authority(), name, uuid, _MADE)


def certify(nodes: "Iterable[SimNode]", master: "SimNode") -> None:
    """Give ``nodes`` certificates of a new authority, whose key ``master`` gets."""
    authority = make_ca("cluster", now())
    for node in nodes:
        own = issue_node_certificate(authority, node.name, node.uuid, now())
        for path, content in (
            (node.paths.ca_cert, authority.certificate),
            (node.paths.server_pem, own),
            (node.paths.client_pem, own),
        ):
            write_atomic(path, content, mode=0o400, durable=False)
    write_atomic(master.paths.ca_key, authority.key, mode=0o400, durable=False)


class SimKeys(KeyFiles):
    """The keys of a simulated master, which need not have any."""

    def domain_secret(self) -> DomainSecret:
        """See :class:`KeyFiles`."""
        return DomainSecret(SECRET)

    def for_candidates(self) -> dict[str, bytes]:
        """See :class:`KeyFiles`."""
        return super().for_candidates() or {Paths().ca_key: AUTHORITY_KEY}
