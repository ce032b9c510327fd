"""What a guest would find changed on another node."""

import pytest
from msgspec.structs import replace

from pyganeti.master.instances.preflight import Difference, differences
from pyganeti.wire.noderpc.guests import (
    HostTraits,
    MigrationInfo,
)

GUEST = MigrationInfo(guest="", machine="pc-i440fx-7.2", cpu="host", accelerator="kvm")
HOST = HostTraits(
    version="7.2.5",
    machines=("pc-i440fx-7.1", "pc-i440fx-7.2"),
    accelerator="kvm",
    cpu_vendor="GenuineIntel",
    cpu_flags=("avx", "sse2"),
)


def changed(guest: dict[str, str], target: dict[str, object]) -> list[Difference]:
    return differences(replace(GUEST, **guest), HOST, replace(HOST, **target))


def test_equal_nodes_do_not_differ() -> None:
    assert changed({}, {}) == []


@pytest.mark.parametrize(
    ("guest", "target", "fatal", "said"),
    [
        ({}, {"machines": ("pc-i440fx-7.1",)}, True, "no machine type pc-i440fx-7.2"),
        ({}, {"accelerator": "tcg"}, True, "no guests under KVM"),
        ({"accelerator": "tcg", "cpu": ""}, {"version": "7.2.4"}, True, "version 7.2.4"),
        ({}, {"version": "7.10.0"}, False, "version 7.10.0, that of the source 7.2.5"),
        ({}, {"cpu_flags": ("sse2",)}, True, "lacks avx"),
        ({"cpu": "host,+x2apic"}, {"cpu_flags": ("sse2",)}, True, "lacks avx"),
        ({"cpu": "qemu64"}, {"cpu_flags": ("sse2",)}, False, "lacks avx"),
        ({}, {"cpu_vendor": "AuthenticAMD"}, True, "AuthenticAMD"),
        ({"cpu": ""}, {"cpu_vendor": "AuthenticAMD"}, False, "GenuineIntel"),
    ],
)
def test_each_difference_is_named_and_weighed(
    guest: dict[str, str], target: dict[str, object], fatal: bool, said: str
) -> None:
    (found,) = changed(guest, target)
    assert found.fatal is fatal
    assert said in found.text
    assert found.version is ("version" in said)


def test_an_emulated_guest_needs_no_cpu() -> None:
    guest = {"accelerator": "tcg", "cpu": "max"}
    assert changed(guest, {"cpu_flags": (), "cpu_vendor": "x", "accelerator": "tcg"}) == []


def test_more_flags_are_no_difference() -> None:
    assert changed({}, {"cpu_flags": ("avx", "avx2", "sse2")}) == []


def test_the_worst_comes_first() -> None:
    found = changed({"cpu": ""}, {"cpu_flags": (), "machines": ()})
    assert [one.fatal for one in found] == [True, False]
