"""The bed's own hosts: links and power that are cut are cut, and come back."""

from collections.abc import Iterator

import pytest

from tests.e2e.hosts import Host, rack, skip_without_namespaces
from tests.e2e.switch import Network
from tests.e2e.vcluster import wait_for


@pytest.fixture
def three() -> Iterator[tuple[Network, list[Host]]]:
    """Three machines."""
    skip_without_namespaces()
    with rack("hosta", "hostb", "hostc", others={}) as made:
        yield made


def reached(here: Host, hosts: list[Host]) -> str:
    """First letters of those whose ssh daemon answers ``here``."""
    found = ""
    for host in hosts:
        probe = f"timeout 2 bash -c 'echo > /dev/tcp/{host.address}/22' 2> /dev/null"
        if host is not here and here.run("sh", "-c", probe, code=None).returncode == 0:
            found += host.name[4]
    return found


def test_links_are_cut_and_mended(three: tuple[Network, list[Host]]) -> None:
    network, (first, second, third) = three
    hosts = [first, second, third]

    def seen() -> list[str]:
        return [reached(host, hosts) for host in hosts]

    assert seen() == ["bc", "ac", "ab"]
    network.cut(second)
    assert seen() == ["c", "", "a"]
    network.join(second)
    network.split([first], [second, third])
    assert seen() == ["", "c", "b"]
    network.join(first, second, third)
    assert seen() == ["bc", "ac", "ab"]


def test_power_is_cut_and_comes_back(three: tuple[Network, list[Host]]) -> None:
    _network, (first, second, third) = three
    for path in ("/etc/kept", "/var/lib/kept", "/run/lost"):
        second.write(path, "text")
    second.run("sh", "-c", "sleep 600 > /dev/null 2>&1 & echo $! > /root/pid")
    first.write("/etc/mine", "text")
    second.cut_power()
    assert reached(first, [second, third]) == "c"
    second.power_on()
    # Who did not answer a moment ago is looked for once a second.
    wait_for(lambda: reached(first, [second, third]) == "bc", 30, "the second to be reached")
    assert second.path("/etc/kept").exists()
    assert second.path("/var/lib/kept").exists()
    assert not second.path("/run/lost").exists()
    assert not second.path("/etc/mine").exists()
    assert "sleep 600" not in second.run("ps", "-eo", "args").stdout
