"""Guarantees of ``Network``, on the fake and on the kernel's (root and /dev/net/tun needed)."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from pyganeti.kit.process import Command, run
from pyganeti.model.errors import NetworkError
from pyganeti.node.network.base import Network
from pyganeti.node.network.fake import FakeNetwork
from pyganeti.wire.noderpc.specs import (
    InstanceSpec,
    NicSpec,
)
from tests.contract.node.real_network import real_network
from tests.needs import skip_without_interfaces

BRIDGE = f"ct{os.getpid() % 100000}"


@dataclass
class Case:
    """A network, and how to look at it from outside."""

    network: Network
    exists: Callable[[str], Awaitable[bool]]


@pytest.fixture(params=["fake", "linux"])
async def case(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Case]:
    if request.param == "fake":
        fake = FakeNetwork(frozenset({BRIDGE}), frozenset({"127.0.0.1"}))

        async def known(name: str) -> bool:
            return name in fake.taps

        yield Case(fake, known)
        return
    skip_without_interfaces()

    async def there(name: str) -> bool:
        command = Command(("ip", "link", "show", "dev", name), ok_codes=frozenset({0, 1}))
        return (await run(command)).code == 0

    await run(Command(("ip", "link", "add", BRIDGE, "type", "bridge")))
    try:
        yield Case(real_network(tmp_path), there)
    finally:
        await run(Command(("ip", "link", "del", BRIDGE)))


def instance(nic: NicSpec) -> InstanceSpec:
    return InstanceSpec(name="web1", uuid="i", primary_node="n", hypervisor="kvm", nics=(nic,))


BRIDGED = NicSpec(mac="aa:00:00:01:02:03", mode="bridged", link=BRIDGE, uuid="u0")
ROUTED = NicSpec(mac="aa:00:00:01:02:04", mode="routed", link="4711", ip="198.51.100.9", uuid="u1")


async def test_taps_have_different_names_and_vanish_when_closed(case: Case) -> None:
    first = await case.network.open_tap(BRIDGED, queues=1, vnet_hdr=True)
    second = await case.network.open_tap(BRIDGED, queues=1, vnet_hdr=False)
    assert first.name != second.name
    assert await case.exists(first.name)
    case.network.close_tap(first)
    case.network.close_tap(second)
    assert not await case.exists(first.name)
    assert not await case.exists(second.name)


@pytest.mark.parametrize("nic", [BRIDGED, ROUTED], ids=["bridged", "routed"])
async def test_connecting_and_disconnecting_may_be_repeated(case: Case, nic: NicSpec) -> None:
    tap = await case.network.open_tap(BRIDGED, queues=1, vnet_hdr=True)
    try:
        await case.network.connect(instance(nic), 0, tap.name)
        await case.network.connect(instance(nic), 0, tap.name)
    finally:
        case.network.close_tap(tap)
        await case.network.disconnect(instance(nic), 0, tap.name)
    await case.network.disconnect(instance(nic), 0, tap.name)


async def test_a_missing_bridge_is_named(case: Case) -> None:
    nic = NicSpec(mac="aa:00:00:01:02:03", mode="bridged", link="nobr0")
    tap = await case.network.open_tap(BRIDGED, queues=1, vnet_hdr=True)
    try:
        with pytest.raises(NetworkError, match=r"nic/0 of web1: bridge 'nobr0' does not exist"):
            await case.network.connect(instance(nic), 0, tap.name)
    finally:
        case.network.close_tap(tap)


async def test_missing_bridges_are_told_apart(case: Case) -> None:
    assert await case.network.missing_bridges((BRIDGE, "nobr0")) == ("nobr0",)
    assert await case.network.missing_bridges(()) == ()


async def test_own_addresses_are_known(case: Case) -> None:
    assert "127.0.0.1" in await case.network.addresses()


async def test_a_site_script_takes_the_place_of_bridging(tmp_path: Path) -> None:
    script, said = tmp_path / "kvm-vif-bridge", tmp_path / "said"
    script.write_text(f'#!/bin/sh\necho "$ACTION $INTERFACE $MODE $LINK" >> {said}\n')
    script.chmod(0o755)
    network = real_network(tmp_path)
    await network.connect(instance(BRIDGED), 0, "tap9")
    await network.disconnect(instance(BRIDGED), 0, "tap9")
    expected = f"up tap9 bridged {BRIDGE}\ndown tap9 bridged {BRIDGE}\n"
    assert said.read_text() == expected


async def test_an_unknown_mode_is_named(tmp_path: Path) -> None:
    nic = NicSpec(mac="aa:00:00:01:02:03", mode="telepathy", link="br0")
    with pytest.raises(NetworkError, match="nic/0 of web1: there is no mode 'telepathy'"):
        await real_network(tmp_path).connect(instance(nic), 0, "tap9")
