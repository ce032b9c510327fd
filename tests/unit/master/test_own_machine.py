"""Machines that cannot be masters. What needs addresses of one's own is in the end-to-end tests."""

from pathlib import Path

import pytest

from pyganeti.master.own_machine import check_drbd_helper, check_machine
from pyganeti.model.errors import ECode, OpPrereqError


@pytest.mark.parametrize(
    ("address", "complaint"),
    [
        ("127.0.1.1", "stands for 127.0.1.1, which other nodes cannot reach"),
        ("::1", "stands for ::1, which other nodes cannot reach"),
        ("192.0.2.7", "stands for 192.0.2.7, which is not an address of it"),
    ],
)
def test_a_name_must_stand_for_an_address_of_the_machine(address: str, complaint: str) -> None:
    with pytest.raises(OpPrereqError, match=complaint) as refused:
        check_machine("node1.example.com", address, "192.0.2.9", "lo")
    assert refused.value.code is ECode.ENVIRON


def test_drbd_must_call_what_is_wanted(tmp_path: Path) -> None:
    parameter = tmp_path / "usermode_helper"
    with pytest.raises(OpPrereqError, match="drbd is not loaded") as refused:
        check_drbd_helper("/bin/true", str(parameter))
    assert refused.value.code is ECode.ENVIRON
    parameter.write_text("/sbin/drbdadm\n")
    with pytest.raises(OpPrereqError, match="/sbin/drbdadm is the current helper"):
        check_drbd_helper("/bin/true", str(parameter))
    check_drbd_helper("/sbin/drbdadm", str(parameter))
