"""A node that was Ganeti's: its certificates as ours, until the cluster has new ones.

    server.pem of all nodes -> ca.pem, ca.key of candidates;  client.pem -> server.pem, too

Ganeti's nodes share one key pair, ``server.pem``, which signs a certificate for each,
``client.pem``. The pair is the cluster's authority then, and the node's own certificate serves both
ends. So nodes trust each other as they did, and ``gnt-cluster renew-crypto
--new-cluster-certificate`` gives them certificates of an authority whose key only candidates have.
What was Ganeti's is kept for the way back. Run by daemon-util before it starts something. Source:
``docs/packaging.md``.
"""

import os
import re
from typing import Final

from pyganeti.kit.files import read_bytes, write_atomic
from pyganeti.kit.paths import Paths
from pyganeti.kit.resolver import own_hostname
from pyganeti.kit.tls import certificate_uuid, certificates_of
from pyganeti.model.errors import ConfigurationError
from pyganeti.tools.layout import ensure_file

_KEY: Final = re.compile(
    rb"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----\n?", re.DOTALL
)
_CANDIDATES: Final = "ssconf_master_candidates_certs"


def kept_dir(paths: Paths) -> str:
    """Where Ganeti's files lie: in a directory that is root's alone."""
    return f"{paths.conf_dir}/ganeti-certificates"


def is_ganetis(paths: Paths) -> bool:
    """Whether this node has certificates, and they are Ganeti's: ours say whose they are."""
    own = read_bytes(paths.client_pem) or b""
    if os.path.exists(paths.ca_cert) or not os.path.exists(paths.server_pem):
        return False
    return not (certificates_of(own) and certificate_uuid(own))


def adopt(paths: Paths) -> None:
    """Use Ganeti's certificates, once; a node that has others is left alone.

    It may be repeated after a crash anywhere.

    Raises:
        ConfigurationError: Ganeti's certificates are damaged, or of a version that had none of
            nodes; nothing was changed.
        OSError: a file cannot be written.
    """
    if not is_ganetis(paths):
        return
    kept = kept_dir(paths)
    pair = read_bytes(f"{kept}/server.pem") or read_bytes(paths.server_pem) or b""
    own = read_bytes(paths.client_pem) or b""
    key = _KEY.search(pair)
    if key is None or len(certificates_of(pair)) != 1:
        raise ConfigurationError(f"{paths.server_pem} is not one certificate and its key")
    if _KEY.search(own) is None or len(certificates_of(own)) != 1:
        raise ConfigurationError(
            f"{paths.client_pem} is no certificate of this node: let Ganeti make one first"
            " (gnt-cluster renew-crypto --new-node-certificates)"
        )
    os.makedirs(kept, 0o700, exist_ok=True)
    candidates = read_bytes(f"{paths.data_dir}/{_CANDIDATES}") or b""
    for name, content in (("server.pem", pair), ("client.pem", own), (_CANDIDATES, candidates)):
        if not os.path.exists(f"{kept}/{name}"):
            write_atomic(f"{kept}/{name}", content, mode=0o400)
    if _is_candidate(paths):
        _write(paths, paths.ca_key, key.group())
    _write(paths, paths.server_pem, own)
    # The last one: as long as it is missing, all of it is done again.
    _write(paths, paths.ca_cert, certificates_of(pair)[0])


def kept_digests(paths: Paths) -> dict[str, str]:
    """Digests of candidates' certificates as they were with Ganeti, by UUID; or none."""
    data = read_bytes(f"{kept_dir(paths)}/{_CANDIDATES}") or b""
    pairs = (line.partition("=") for line in data.decode("utf-8", "replace").splitlines())
    return {uuid: digest for uuid, _, digest in pairs if digest}


def _is_candidate(paths: Paths) -> bool:
    names = (read_bytes(paths.ssconf("master_candidates")) or b"").decode("utf-8", "replace")
    return own_hostname(paths) in names.split()


def _write(paths: Paths, path: str, content: bytes) -> None:
    write_atomic(path, content, mode=0o400)
    # As root, whose it is to be.
    ensure_file(paths, path)
