"""Which addresses of a network are taken."""

import msgspec
import pytest

from pyganeti.model.address_pool import (
    is_reserved_outside,
    is_taken,
    lies_in,
    new_pool,
    with_addresses,
    with_outside,
)
from pyganeti.model.errors import AddressPoolError
from pyganeti.model.network import Network

SMALL = Network(
    uuid="n",
    name="small",
    network="192.0.2.0/29",
    network6="2001:db8::/64",
    reservations="00000000",
    ext_reservations="01000000",
)


@pytest.mark.parametrize(
    ("address", "inside"),
    [
        ("192.0.2.7", True),
        ("192.0.2.8", False),
        ("2001:db8::7", True),
        ("2001:db9::7", False),
    ],
)
def test_lies_in_either_part(address: str, inside: bool) -> None:
    assert lies_in(SMALL, address) is inside


def test_knows_what_is_taken_outside() -> None:
    taken = [address for address in range(8) if is_reserved_outside(SMALL, f"192.0.2.{address}")]
    assert taken == [1]
    assert not is_reserved_outside(SMALL, "2001:db8::1")


def test_takes_and_releases() -> None:
    taken, chosen = with_addresses(SMALL, (), ["192.0.2.5", "2001:db8::5", "198.51.100.1"], 0)
    assert (taken.reservations, list(chosen)) == ("00000100", [])
    moved, _ = with_addresses(taken, ["192.0.2.5"], ["192.0.2.6"], 0)
    assert moved.reservations == "00000010"


def test_an_address_that_stays_is_taken_still() -> None:
    taken, _ = with_addresses(SMALL, ["192.0.2.5"], ["192.0.2.5"], 0)
    assert taken.reservations == "00000100"


def test_chooses_the_first_that_a_nic_may_have() -> None:
    after, chosen = with_addresses(SMALL, (), ["192.0.2.3"], 2)
    assert list(chosen) == ["192.0.2.2", "192.0.2.4"]
    assert after.reservations == "00111000"


def test_says_when_none_is_left() -> None:
    full = msgspec.structs.replace(SMALL, reservations="00111110")
    with pytest.raises(AddressPoolError, match="small"):
        with_addresses(full, (), (), 1)
    assert list(with_addresses(full, ["192.0.2.4"], (), 1)[1]) == ["192.0.2.4"]


def test_of_two_addresses_both_can_be_chosen() -> None:
    pair = Network(uuid="n", name="pair", network="192.0.2.0/31")
    assert list(with_addresses(pair, (), (), 2)[1]) == ["192.0.2.0", "192.0.2.1"]


def test_a_network_without_reservations_stays_as_it_is() -> None:
    bare = Network(uuid="n", name="bare", network="192.0.2.0/29")
    assert with_addresses(bare, (), (), 0)[0] is bare


def test_knows_what_instances_have() -> None:
    taken = msgspec.structs.replace(SMALL, reservations="00010000")
    assert [address for address in range(8) if is_taken(taken, f"192.0.2.{address}")] == [3]
    assert not is_taken(taken, "198.51.100.3")


@pytest.mark.parametrize(
    ("subnet", "gateway", "outside"),
    [("192.0.2.0/30", None, "1001"), ("192.0.2.8/29", "192.0.2.9", "11000001")],
)
def test_a_new_pool_keeps_what_no_guest_can_have(
    subnet: str, gateway: str | None, outside: str
) -> None:
    made = new_pool(Network(uuid="n", name="new", network=subnet, gateway=gateway))
    assert (made.reservations, made.ext_reservations) == ("0" * len(outside), outside)


@pytest.mark.parametrize("subnet", ["10.0.0.0/15", "10.0.0.0/31", "10.0.0.0/32"])
def test_pools_have_limits(subnet: str) -> None:
    with pytest.raises(AddressPoolError, match="from a /16 to a /30"):
        new_pool(Network(uuid="n", name="new", network=subnet))


def test_reserves_and_releases_outside() -> None:
    after = with_outside(SMALL, ["192.0.2.4", "192.0.2.1"], ["192.0.2.5"])
    assert after.ext_reservations == "01001000"
    assert with_outside(after, (), ["192.0.2.4"]).ext_reservations == "01000000"
    with pytest.raises(AddressPoolError, match=r"198\.51\.100\.1 does not lie in"):
        with_outside(SMALL, ["198.51.100.1"], ())
