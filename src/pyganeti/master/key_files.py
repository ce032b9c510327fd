"""Certificates, keys and secrets on the master's disk: what masterd reads, brings and signs with.

    files -> KeyFiles -> distribution, certificates of nodes

Blocking. They stay on the disk, and are read when they are needed: no secret is kept in memory, in
the configuration or in a job. Source: docs/design/0015-renewing-keys.md.
"""

from collections.abc import Iterable
from typing import Final

from pyganeti.kit import tls
from pyganeti.kit.clock import now
from pyganeti.kit.files import read_bytes, remove
from pyganeti.kit.paths import Paths
from pyganeti.model.errors import ConfigurationError, ECode, OpPrereqError
from pyganeti.model.node import Node
from pyganeti.model.remote import DomainSecret

# Clocks of two clusters may differ: Ganeti's NODE_MAX_CLOCK_SKEW.
_CLOCK_SKEW_S: Final = 150.0


class KeyFiles:
    """The keys of the node that is the master."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths

    def for_all(self) -> dict[str, bytes]:
        """What all nodes have alike, by path on a real node; what the cluster has not is left out.

        Raises:
            OSError: one cannot be read.
        """
        paths = self._paths
        return self._read(
            paths.rapi_pem,
            paths.rapi_users,
            paths.spice_pem,
            paths.spice_ca_pem,
            paths.hmac_key,
            paths.domain_secret,
            paths.known_hosts,
        )

    def for_candidates(self) -> dict[str, bytes]:
        """What goes with the master's role, as :meth:`for_all`."""
        return self._read(self._paths.ca_key)

    def _read(self, *paths: str) -> dict[str, bytes]:
        found = {path.removeprefix(self._paths.rootdir): read_bytes(path) for path in paths}
        return {path: content for path, content in found.items() if content is not None}

    def known_hosts(self) -> str:
        """What ssh host keys are known, in the form of sshd(8); may be empty.

        Raises:
            OSError: the file cannot be read.
        """
        return (read_bytes(self._paths.known_hosts) or b"").decode("utf-8", "replace")

    def domain_secret(self) -> DomainSecret:
        """What this cluster shares with those that it exchanges instances with.

        Raises:
            OpPrereqError: ``ECode.ENVIRON``, it has none.
        """
        key = (read_bytes(self._paths.domain_secret) or b"").partition(b"\n")[0].rstrip(b"\r")
        if not key:
            text = f"this cluster has no domain secret: {self._paths.domain_secret} is missing"
            raise OpPrereqError(f"{text} or empty", ECode.ENVIRON)
        return DomainSecret(key)

    def check_certificate(self, given: str | None, whose: str) -> str:
        """A certificate that was signed with the secret and is good now, as PEM.

        Raises:
            OpPrereqError: ``ECode.INVAL``, it is not.
        """
        pem = self.domain_secret().check_certificate(given, whose)
        try:
            begin, end = tls.validity(pem.encode("ascii"))
        except ValueError as err:
            text = f"the X509 certificate of {whose} cannot be read"
            raise OpPrereqError(text, ECode.INVAL) from err
        if now() > end:
            text = f"the X509 certificate of {whose} has expired"
            raise OpPrereqError(f"{text}: prepare the export again", ECode.INVAL)
        if now() < begin - _CLOCK_SKEW_S:
            text = f"the X509 certificate of {whose} is not valid yet: compare the clocks"
            raise OpPrereqError(text, ECode.INVAL)
        return pem

    def authority(self) -> tls.Authority:
        """The cluster's authority.

        Raises:
            ConfigurationError: this node has not its key, so it is no candidate.
        """
        certificate, key = read_bytes(self._paths.ca_cert), read_bytes(self._paths.ca_key)
        if certificate is None or key is None:
            raise ConfigurationError(f"{self._paths.ca_key} is missing: only a master signs")
        return tls.Authority(certificate, key)

    def next_authority(self) -> tls.Authority | None:
        """The one that is to take its place, if there is one.

        Raises:
            ConfigurationError: the file is damaged.
        """
        pem = read_bytes(self._paths.ca_next)
        if pem is None:
            return None
        certificates = tls.certificates_of(pem)
        if len(certificates) != 1:
            raise ConfigurationError(f"{self._paths.ca_next} does not hold one certificate")
        return tls.Authority(certificates[0], pem.replace(certificates[0], b""))

    def forget_next(self) -> None:
        """The next authority is the present one, and stands in the other files."""
        remove(self._paths.ca_next)

    @staticmethod
    def issue(authority: tls.Authority, nodes: Iterable[Node]) -> dict[str, bytes]:
        """New keys and certificates for ``nodes``, by UUID.

        Raises:
            ConfigurationError: the authority's files are damaged.
        """
        try:
            return {
                node.uuid: tls.issue_node_certificate(authority, node.name, node.uuid, now())
                for node in nodes
            }
        except ValueError as err:
            raise ConfigurationError(f"the cluster's authority cannot sign: {err}") from err
