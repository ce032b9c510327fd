"""What firmware and TPM need of an instance's disks, as `gnt-cluster verify` asks."""

import pytest

from pyganeti.model.disk import Disk
from pyganeti.model.enums import DiskTemplate
from pyganeti.model.errors import ECode, OpPrereqError
from pyganeti.model.state_disks import SIZE_MIB, TPM_STATE, check_states


def test_there_is_one_state_disk_of_a_kind() -> None:
    place = ("loop", "/srv/ganeti/file-storage/web1/tpm")
    disk = Disk(
        uuid="u", dev_type=DiskTemplate.FILE, logical_id=place, size=SIZE_MIB, name=TPM_STATE
    )
    check_states("web1", {"tpm": "2.0"}, [disk])
    with pytest.raises(OpPrereqError, match=f"two disks {TPM_STATE}") as refused:
        check_states("web1", {"tpm": "2.0"}, [disk, disk])
    assert refused.value.code is ECode.NOTUNIQUE
