"""NICs as an opcode asks for them, and as they come to stand in the configuration.

Asked for: a mapping with ``mac`` (``auto``, ``generate`` or an address), ``ip``, ``mode``,
``link``, ``vlan``, ``network``, ``name``. Source: gnt-instance(8) ADD (``--net``); nicparams facts.
"""

from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from typing import Final

import msgspec

from pyganeti.kit.ids import Ids
from pyganeti.model.errors import ECode, OpPrereqError, ReservationError
from pyganeti.model.names import check_mac
from pyganeti.model.nic import Nic
from pyganeti.model.params.nic import check_nicparams
from pyganeti.model.view import ClusterView

AUTO: Final = frozenset({"auto", "generate", "", None})
_PARAMS: Final = ("mode", "link", "vlan")
_KEYS: Final = frozenset({"mac", "ip", "network", "name", "bridge", *_PARAMS})
_MAC_TRIES: Final = 100


def requested_nics(requests: Sequence[Mapping[str, object]], view: ClusterView) -> tuple[Nic, ...]:
    """Check what is asked for; UUIDs are empty and a MAC to be generated is ``auto``.

    Raises:
        OpPrereqError: a key, an address or a parameter is not acceptable.
    """
    nics = tuple(_requested(index, dict(request), view) for index, request in enumerate(requests))
    names = [nic.name for nic in nics if nic.name]
    if len(names) != len(set(names)):
        raise OpPrereqError("two NICs have the same name", ECode.NOTUNIQUE)
    return nics


def _requested(index: int, request: dict[str, object], view: ClusterView) -> Nic:
    unknown = sorted(request.keys() - _KEYS)
    if unknown:
        expected = ", ".join(sorted(_KEYS))
        raise OpPrereqError(f"nic/{index}: unknown parameter {unknown[0]!r}, expected {expected}")
    if "bridge" in request:  # the old word for it
        request.setdefault("link", request.pop("bridge"))
    params = check_nicparams(
        {name: request[name] for name in _PARAMS if request.get(name) is not None}
    )
    network = request.get("network")
    network_uuid = view.network(str(network)).uuid if network not in (None, "", "none") else None
    nic = Nic(
        mac=_mac(request.get("mac")),
        uuid="",
        ip=_address(index, request.get("ip")),
        network=network_uuid,
        name=None if request.get("name") in (None, "none") else str(request["name"]),
        nicparams=params,
    )
    if nic.ip is None and view.filled_nicparams(nic).mode == "routed":
        raise OpPrereqError(f"nic/{index}: a routed NIC needs an ip")
    return nic


def _mac(value: object) -> str:
    return "auto" if value in AUTO else check_mac(str(value))


def _address(index: int, value: object) -> str | None:
    if value in (None, "", "none"):
        return None
    if value == "pool":
        raise OpPrereqError(f"nic/{index}: ip=pool needs a network with a pool", ECode.INVAL)
    try:
        return str(ip_address(str(value)))
    except ValueError as err:
        raise OpPrereqError(f"nic/{index}: {value!r} is not an IP address") from err


def check_conflicts(nics: Sequence[Nic], view: ClusterView) -> None:
    """Refuse addresses that another instance has.

    Raises:
        ReservationError: names the address and who has it.
    """
    seen: set[object] = set()
    for nic in nics:
        scope = nic.network or view.filled_nicparams(nic).link
        if nic.mac not in AUTO:
            owners = view.owners_of_mac(nic.mac)
            if owners or nic.mac in seen:
                who = f" by instance {owners[0].name}" if owners else ""
                raise ReservationError(f"MAC address {nic.mac} is already in use{who}")
            seen.add(nic.mac)
        if nic.ip is not None:
            owners = view.owners_of_ip(scope, nic.ip)
            if owners or (scope, nic.ip) in seen:
                who = f" by instance {owners[0].name}" if owners else ""
                raise ReservationError(f"IP address {nic.ip} is already in use on {scope}{who}")
            seen.add((scope, nic.ip))


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
            mac = _free_mac(_prefix(nic, view), taken, ids)
            taken.add(mac)
        result.append(msgspec.structs.replace(nic, mac=mac, uuid=nic.uuid or ids.uuid()))
    return tuple(result)


def _prefix(nic: Nic, view: ClusterView) -> str:
    own = view.network(nic.network).mac_prefix if nic.network else None
    return own or view.cluster.mac_prefix


def _free_mac(prefix: str, taken: set[str], ids: Ids) -> str:
    for _ in range(_MAC_TRIES):
        mac = ids.mac(prefix)
        if mac not in taken:
            return mac
    raise ReservationError(f"found no free MAC address with prefix {prefix}")
