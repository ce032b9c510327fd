"""Names of virtual nodes, from their own hosts file; and of this machine, from the system."""

from pathlib import Path

import pytest

from pyganeti.kit.paths import Paths
from pyganeti.kit.resolver import UnknownHost, ip_version, resolve


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    paths = Paths(rootdir=str(tmp_path), hostname="node1")
    hosts = Path(paths.etc_hosts)
    hosts.parent.mkdir(parents=True)
    hosts.write_text(
        "192.0.2.1 node1.example.com node1\n"
        "2001:db8::1 node1.example.com node1 # the other way\n"
        "192.0.2.2 node2\n"
    )
    return paths


@pytest.mark.parametrize(
    ("version", "address"), [(None, "192.0.2.1"), (4, "192.0.2.1"), (6, "2001:db8::1")]
)
def test_a_name_has_an_address_of_each_version(
    paths: Paths, version: int | None, address: str
) -> None:
    assert resolve(paths, "node1", version=version) == ("node1.example.com", address)


def test_an_address_of_the_other_version_is_none(paths: Paths) -> None:
    with pytest.raises(UnknownHost, match=r"no IPv6 address for it in .*/etc/hosts"):
        resolve(paths, "node2", version=6)
    with pytest.raises(UnknownHost, match="no address for it in"):
        resolve(paths, "node3")


@pytest.mark.parametrize(("version", "address"), [(4, "127.0.0.1"), (6, "::1")])
def test_the_system_is_asked_for_one_version(version: int, address: str) -> None:
    assert resolve(Paths(), address, version=version)[1] == address
    with pytest.raises(UnknownHost):
        resolve(Paths(), address, version=10 - version)


@pytest.mark.parametrize(("text", "version"), [("2\n", 4), ("10\n", 6), ("", 4), (None, 4)])
def test_the_version_of_the_cluster(paths: Paths, text: str | None, version: int) -> None:
    if text is not None:
        place = Path(paths.ssconf("primary_ip_family"))
        place.parent.mkdir(parents=True)
        place.write_text(text)
    assert ip_version(paths) == version
