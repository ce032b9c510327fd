"""Where SPICE servers listen, and how a client is told."""

import json
from typing import Any

import pytest

from pyganeti.kit.process import Command, Finished, ProcessError
from pyganeti.model.errors import HypervisorError
from pyganeti.node.hypervisor.kvm.console import console_info
from pyganeti.node.hypervisor.kvm.layout import KvmLayout
from pyganeti.node.hypervisor.kvm.spice import SpicePlaces

from .instances import defaults, instance

PATHS = KvmLayout("/run/kvm").guest("web1")
BOTH = [
    {"family": "inet", "local": "192.0.2.1", "scope": "global"},
    {"family": "inet", "local": "192.0.2.9", "scope": "global"},
    {"family": "inet6", "local": "fe80::1", "scope": "link"},
    {"family": "inet6", "local": "2001:db8::1", "scope": "global"},
]


def places(addresses: list[dict[str, str]] | None, version: int = 4) -> SpicePlaces:
    """On a node with one interface, br0; ``None``: and that is missing."""

    async def run(command: Command) -> Finished:
        if addresses is None or command.argv[-2:] != ("dev", "br0"):
            raise ProcessError(command, "Device does not exist")
        return Finished(0, json.dumps([{"ifname": "br0", "addr_info": addresses}]), "")

    return SpicePlaces(run, "/spice.pem", "/spice-ca.pem", lambda: version)


def hvp(**changes: Any) -> dict[str, Any]:
    return {**defaults(), **changes}


async def test_without_spice_there_is_no_server() -> None:
    assert await places(None).server(hvp()) is None


@pytest.mark.parametrize(
    ("changes", "version", "address"),
    [
        ({"spice_bind": "192.0.2.7"}, 6, "192.0.2.7"),
        ({"spice_bind": "::"}, 4, "::"),
        ({"spice_bind": "br0"}, 4, "192.0.2.1"),
        ({"spice_bind": "br0"}, 6, "2001:db8::1"),
        ({"spice_bind": "br0", "spice_ip_version": 4}, 6, "192.0.2.1"),
        ({"spice_bind": "br0", "spice_ip_version": 6}, 4, "2001:db8::1"),
    ],
)
async def test_the_address(changes: dict[str, Any], version: int, address: str) -> None:
    server = await places(BOTH, version).server(hvp(**changes))
    assert server is not None
    assert (server.address, server.certificate, server.ca) == (
        address,
        "/spice.pem",
        "/spice-ca.pem",
    )


async def test_an_interface_with_addresses_of_one_version_takes_that() -> None:
    server = await places(BOTH[:2], version=6).server(hvp(spice_bind="br0"))
    assert server is not None
    assert server.address == "192.0.2.1"


@pytest.mark.parametrize(
    ("changes", "addresses"),
    [
        ({"spice_bind": "::1", "spice_ip_version": 4}, BOTH),
        ({"spice_bind": "br0", "spice_ip_version": 6}, BOTH[:3]),
        ({"spice_bind": "br0"}, []),
        ({"spice_bind": "br1"}, BOTH),
        ({"spice_bind": "-br0"}, None),
    ],
)
async def test_what_is_no_place_is_refused(changes: dict[str, Any], addresses: Any) -> None:
    with pytest.raises(HypervisorError, match=r"parameter spice_bind: '[^']*', expected"):
        await places(addresses).server(hvp(**changes))


@pytest.mark.parametrize(
    ("bind", "host"), [("192.0.2.1", "192.0.2.1"), ("0.0.0.0", "node1"), ("br0", "node1")]
)
def test_a_client_is_told_host_and_port(bind: str, host: str) -> None:
    found = console_info(instance(spice_bind=bind, serial_console=False), PATHS)
    assert (found.kind, found.host, found.port) == ("spice", host, 11000)
