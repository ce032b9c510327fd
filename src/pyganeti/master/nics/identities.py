"""What NICs get when they are recorded: UUIDs, MAC addresses, addresses of their networks' pools.

Called within a commit, on the newest configuration: two jobs cannot get the same.
"""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from pyganeti.kit.ids import Ids
from pyganeti.master.nics.new import AUTO, POOL, mac_prefix
from pyganeti.model.address_pool import with_addresses
from pyganeti.model.errors import ReservationError
from pyganeti.model.network import Network
from pyganeti.model.nic import Nic
from pyganeti.model.view import ClusterView

_MAC_TRIES: Final = 100


def with_identities(nics: Sequence[Nic], view: ClusterView, ids: Ids) -> tuple[Nic, ...]:
    """The NICs with UUIDs and generated MAC addresses that nobody has in ``view``.

    Raises:
        ReservationError: no free MAC address was found below the prefix.
    """
    taken = {str(mac) for mac in view.used_macs()} | {nic.mac for nic in nics}
    result = []
    for nic in nics:
        mac = nic.mac
        if mac in AUTO:
            network = view.network(nic.network) if nic.network else None
            mac = _free_mac(mac_prefix(network, view), taken, ids)
            taken.add(mac)
        result.append(msgspec.structs.replace(nic, mac=mac, uuid=nic.uuid or ids.uuid()))
    return tuple(result)


def _free_mac(prefix: str, taken: set[str], ids: Ids) -> str:
    for _ in range(_MAC_TRIES):
        mac = ids.mac(prefix)
        if mac not in taken:
            return mac
    raise ReservationError(f"found no free MAC address with prefix {prefix}")


def with_pool_addresses(
    before: Sequence[Nic], nics: Sequence[Nic], view: ClusterView
) -> tuple[tuple[Nic, ...], tuple[Network, ...]]:
    """``nics`` with addresses in place of ``pool``, and the networks whose addresses changed.

    Args:
        before: the NICs that they replace; their addresses are given back.
        nics: as they are to be recorded.
        view: the newest configuration.

    Raises:
        AddressPoolError: a network has no address left.
    """
    chosen: dict[str, list[str]] = {}
    networks = []
    for uuid in sorted({nic.network for nic in (*before, *nics) if nic.network}):
        network = view.networks.get(uuid)
        if network is None:
            continue  # verify names it
        wanted = sum(nic.network == uuid and nic.ip == POOL for nic in nics)
        # What was given twice, without a check for conflicts, is free once nobody has it.
        released = [
            one for one in _addresses(uuid, before) if len(view.owners_of_ip(uuid, one)) < 2
        ]
        after, addresses = with_addresses(network, released, _addresses(uuid, nics), wanted)
        chosen[uuid] = list(addresses)
        if after != network:
            networks.append(after)
    settled = tuple(
        msgspec.structs.replace(nic, ip=chosen[nic.network or ""].pop(0)) if nic.ip == POOL else nic
        for nic in nics
    )
    return settled, tuple(networks)


def _addresses(network: str, nics: Iterable[Nic]) -> list[str]:
    return [nic.ip for nic in nics if nic.network == network and nic.ip and nic.ip != POOL]
