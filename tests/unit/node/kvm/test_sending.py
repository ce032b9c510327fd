"""What QEMU says of a guest that it sends."""

import pytest

from pyganeti.model.errors import HypervisorError
from pyganeti.node.hypervisor.kvm.sending import parse_capabilities, parse_progress
from pyganeti.wire.noderpc.types import TaskProgress

KNOWN = frozenset({"auto-converge", "postcopy-ram", "x-colo", "xbzrle"})
MIB = 1 << 20


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", set()),
        ("xbzrle", {"xbzrle"}),
        ("xbzrle:auto-converge", {"xbzrle", "auto-converge"}),
        ("x-postcopy-ram", {"postcopy-ram"}),
        ("x-colo", {"x-colo"}),
    ],
)
def test_capabilities_go_by_the_names_of_this_qemu(text: str, names: set[str]) -> None:
    assert parse_capabilities(text, KNOWN) == names


def test_an_unknown_capability_is_named_with_those_there_are() -> None:
    with pytest.raises(HypervisorError, match=r"'zip', expected of auto-converge, .*xbzrle"):
        parse_capabilities("xbzrle:zip", KNOWN)


def test_progress_is_what_is_left_of_the_memory() -> None:
    answer = {"status": "active", "ram": {"total": 256 * MIB, "remaining": 64 * MIB - 1}}
    assert parse_progress(answer) == TaskProgress(192, 256)
    assert parse_progress({"status": "setup"}) is None
    # Written again faster than sent: there is more left than there is.
    answer = {"ram": {"total": 256 * MIB, "remaining": 300 * MIB}}
    assert parse_progress(answer) == TaskProgress(0, 256)
