"""NICs as an opcode asks for them, and as they come to stand in the configuration.

Asked for: a mapping with ``mac`` (``auto``, ``generate`` or an address), ``ip`` (an address, or
``pool`` for a free one of the network), ``mode``, ``link``, ``vlan``, ``network``, ``name``.
Source: gnt-instance(8) ADD and MODIFY (``--net``); nicparams facts.
"""

from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from typing import Final

from pyganeti.master.instances.device_names import check_device_names
from pyganeti.model.address_pool import is_reserved_outside, lies_in
from pyganeti.model.enums import POOL_MODE, NicMode
from pyganeti.model.errors import ECode, OpPrereqError, ReservationError
from pyganeti.model.group import NodeGroup
from pyganeti.model.instance import Instance
from pyganeti.model.names import check_mac
from pyganeti.model.network import Network
from pyganeti.model.nic import Nic
from pyganeti.model.params.nic import check_complete_nicparams, check_nicparams
from pyganeti.model.view import ClusterView

AUTO: Final = frozenset({"auto", "generate", "", None})
POOL: Final = "pool"
"""As a NIC's address: a free one of its network, chosen when the NIC is recorded."""

NO_VALUE: Final = frozenset({"none", "", None})
_PARAMS: Final = ("mode", "link", "vlan")
_KEYS: Final = frozenset({"mac", "ip", "network", "name", "bridge", *_PARAMS})

# A NIC as asked for; Any JSON value may stand in it.
Request = Mapping[str, object]


def requested_nics(
    requests: Sequence[Request], view: ClusterView, group: NodeGroup
) -> tuple[Nic, ...]:
    """Check what is asked for; UUIDs are empty and a MAC to be generated is ``auto``.

    Args:
        requests: one mapping a NIC.
        view: the cluster.
        group: the node group of the instance, whose connections count.

    Raises:
        OpPrereqError: a key, an address or a parameter is not acceptable.
    """
    nics = tuple(
        requested_nic(f"nic/{index}", request, view, group)
        for index, request in enumerate(requests)
    )
    check_device_names("NICs", nics)
    return nics


def requested_nic(what: str, request: Request, view: ClusterView, group: NodeGroup) -> Nic:
    """One new NIC; ``what`` names it in messages. As :func:`requested_nics`."""
    asked = normal_request(what, request)
    network = find_network(asked.get("network"), view)
    params = link_params(asked)
    if network is not None:
        if params:
            text = f"{what}: {min(params)} and network exclude each other"
            raise OpPrereqError(f"{text}: the network says how it is connected", ECode.INVAL)
        params = connection(network, group)
    nic = Nic(
        mac="auto" if asked.get("mac") in AUTO else check_mac(str(asked["mac"])),
        uuid="",
        ip=nic_address(what, asked.get("ip"), network),
        network=None if network is None else network.uuid,
        name=nic_name(asked.get("name")),
        nicparams=check_nicparams(params),
    )
    return checked_nic(what, nic, view)


def normal_request(what: str, request: Request) -> dict[str, object]:
    """``request`` with known keys only, ``bridge`` under its new name.

    Raises:
        OpPrereqError: it has an unknown key.
    """
    asked = dict(request)
    unknown = sorted(asked.keys() - _KEYS)
    if unknown:
        expected = ", ".join(sorted(_KEYS))
        raise OpPrereqError(f"{what}: unknown parameter {unknown[0]!r}, expected {expected}")
    if "bridge" in asked:  # the old word for it
        asked.setdefault("link", asked.pop("bridge"))
        asked.pop("bridge", None)
    if asked.get("mode") == POOL_MODE:
        # As the network's connection says, which is so anyway.
        del asked["mode"]
        if asked.get("network") in NO_VALUE:
            raise OpPrereqError(f"{what}: mode=pool needs a network", ECode.INVAL)
    return asked


def link_params(asked: Request) -> dict[str, object]:
    """What of the request says how a NIC is connected."""
    return {name: asked[name] for name in _PARAMS if asked.get(name) is not None}


def find_network(value: object, view: ClusterView) -> Network | None:
    """The network that a request or a NIC names, if it names one.

    Raises:
        OpPrereqError: ``ECode.NOENT``, there is none of that name.
    """
    return None if value in NO_VALUE else view.network(str(value))


def connection(network: Network, group: NodeGroup) -> dict[str, object]:
    """NIC parameters in a network.

    Raises:
        OpPrereqError: ``ECode.INVAL``, it is not connected to the node group.
    """
    found = group.networks.get(network.uuid)
    if found is None:
        text = f"network {network.name} is not connected to node group {group.name}"
        raise OpPrereqError(text, ECode.INVAL)
    return dict(found)


def check_connected(nics: Sequence[Nic], view: ClusterView, group: NodeGroup) -> None:
    """Refuse networks that are not, or no more, connected to the node group.

    Raises:
        OpPrereqError: as :func:`connection`; ``ECode.NOENT``, there is no such network any more.
    """
    for nic in nics:
        if nic.network is not None:
            connection(view.network(nic.network), group)


def nic_name(value: object) -> str | None:
    """The name that a request gives."""
    return None if value in NO_VALUE else str(value)


def nic_address(what: str, value: object, network: Network | None) -> str | None:
    """The address that a request gives, :data:`POOL` among them.

    Raises:
        OpPrereqError: ``ECode.INVAL``, it is none, or not one of the network.
    """
    if value in NO_VALUE:
        return None
    if value == POOL:
        if network is None:
            raise OpPrereqError(f"{what}: ip=pool needs a network with a pool", ECode.INVAL)
        return POOL
    try:
        address = str(ip_address(str(value)))
    except ValueError as err:
        raise OpPrereqError(f"{what}: {value!r} is not an IP address") from err
    if network is not None and not lies_in(network, address):
        text = f"{what}: address {address} does not lie in network {network.name}"
        raise OpPrereqError(text, ECode.INVAL)
    return address


def checked_nic(what: str, nic: Nic, view: ClusterView) -> Nic:
    """``nic`` if what it says goes together.

    Raises:
        ParameterError, OpPrereqError: it does not.
    """
    filled = view.filled_nicparams(nic)
    check_complete_nicparams(filled)
    if nic.ip is None and nic.network is None and filled.mode == NicMode.ROUTED:
        raise OpPrereqError(f"{what}: a routed NIC needs an ip")
    return nic


def mac_prefix(network: Network | None, view: ClusterView) -> str:
    """What generated MAC addresses of a network, or outside of networks, begin with."""
    own = network.mac_prefix if network else None
    return own or view.cluster.mac_prefix


def check_conflicts(
    nics: Sequence[Nic], view: ClusterView, group: NodeGroup, before: Sequence[Nic] = ()
) -> None:
    """Refuse addresses that another instance has, or that a network keeps for something else.

    Args:
        nics: all NICs of an instance.
        view: the cluster.
        group: its node group.
        before: its NICs as they are recorded; the addresses they have are not judged again.

    Raises:
        ReservationError: names the address and who has it.
    """
    had = {key for nic in before for key in _addresses(nic, view)}
    seen: set[object] = set()
    for nic in nics:
        for key, text in _addresses(nic, view).items():
            owners = [] if key in had else _owners(key, view)
            if owners or key in seen:
                who = f" by instance {owners[0].name}" if owners else ""
                raise ReservationError(f"{text}{who}")
            seen.add(key)
            if isinstance(key, tuple) and key not in had:
                _check_networks(nic, key[1], view, group)


def _addresses(nic: Nic, view: ClusterView) -> dict[str | tuple[str, str], str]:
    """MAC address, and scope with IP address, as far as they are known; what to say of each."""
    found: dict[str | tuple[str, str], str] = {}
    if nic.mac not in AUTO:
        found[nic.mac] = f"MAC address {nic.mac} is already in use"
    if nic.ip is not None and nic.ip != POOL:
        scope = nic.network or view.filled_nicparams(nic).link
        found[scope, nic.ip] = f"IP address {nic.ip} is already in use on {scope}"
    return found


def _owners(key: str | tuple[str, str], view: ClusterView) -> list[Instance]:
    return view.owners_of_mac(key) if isinstance(key, str) else view.owners_of_ip(*key)


def _check_networks(nic: Nic, address: str, view: ClusterView, group: NodeGroup) -> None:
    if nic.network is not None:
        network = view.network(nic.network)
        if is_reserved_outside(network, address):
            text = f"IP address {address} is reserved in network {network.name}"
            raise ReservationError(text)
        return
    for uuid in group.networks:
        network = view.networks[uuid]
        if lies_in(network, address):
            text = f"IP address {address} lies in network {network.name}, give network= as well"
            raise ReservationError(f"{text}, or --no-conflicts-check")
