"""Who is admitted follows the ssconf file."""

from pathlib import Path

import pytest

from pyganeti.kit.files import write_atomic
from pyganeti.kit.tls import Peer
from pyganeti.model.errors import NodeCallError
from pyganeti.node.admission import CandidateCertificates


def test_only_listed_digests_are_admitted_and_edits_count_at_once(tmp_path: Path) -> None:
    file = str(tmp_path / "certs")
    admission = CandidateCertificates(file)
    one, two = Peer("AA:BB", "node1", "u1"), Peer("CC:DD", "node2", "u2")
    with pytest.raises(NodeCallError, match="node1"):
        admission.check(one)
    write_atomic(file, b"u1=AA:BB\n")
    admission.check(one)
    with pytest.raises(NodeCallError, match="CC:DD"):
        admission.check(two)
    write_atomic(file, b"u2=CC:DD\n")
    admission.check(two)
    with pytest.raises(NodeCallError):
        admission.check(one)
