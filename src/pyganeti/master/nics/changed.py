"""Changes of an instance's NICs: by position, name or UUID. Pure.

Source: gnt-instance(8) MODIFY (``--net``).
"""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from pyganeti.master.instances.device_edits import Edit, edited
from pyganeti.master.instances.device_names import check_device_names
from pyganeti.master.nics.new import (
    AUTO,
    Request,
    checked_nic,
    connection,
    find_network,
    link_params,
    mac_prefix,
    nic_address,
    nic_name,
    normal_request,
    requested_nic,
)
from pyganeti.model.enums import ListChange
from pyganeti.model.errors import ECode, OpPrereqError
from pyganeti.model.group import NodeGroup
from pyganeti.model.names import check_mac
from pyganeti.model.network import Network
from pyganeti.model.nic import Nic
from pyganeti.model.params.nic import updated_nicparams
from pyganeti.model.templates import MAX_NICS
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.devices import DeviceChange, device_changes

_FIELDS = ("mac", "ip", "name")


def changed_nics(
    nics: Sequence[Nic], mods: Sequence[tuple[object, ...]], view: ClusterView, group: NodeGroup
) -> tuple[tuple[Nic, ...], tuple[Edit[Nic], ...]]:
    """NICs after the changes of an opcode, new ones without identities, and what was done.

    Raises:
        OpPrereqError: a change is not possible.
    """

    def make(what: str, before: Nic | None, change: DeviceChange) -> Nic:
        if change.action is ListChange.ATTACH:
            raise OpPrereqError(f"{what}: NICs cannot be attached", ECode.INVAL)
        if before is None:
            return requested_nic(what, change.params, view, group)
        return modified_nic(what, before, change.params, view, group)

    changes = device_changes(mods, "nics")
    for change in changes:
        if change.action is ListChange.DETACH:
            raise OpPrereqError("NICs cannot be detached, they can be removed", ECode.INVAL)
    after, edits = edited(nics, changes, kind="nic", most=MAX_NICS, make=make)
    check_device_names("NICs", after, [nic.uuid for nic in after])
    return after, edits


def modified_nic(what: str, nic: Nic, request: Request, view: ClusterView, group: NodeGroup) -> Nic:
    """``nic`` with what ``request`` says; what it does not say stays.

    In another network it gets another MAC address where the networks have prefixes of their own.

    Raises:
        OpPrereqError: as :func:`requested_nics`; or mode or link are given and a network has it.
    """
    asked = normal_request(what, request)
    network = find_network(asked.get("network", nic.network), view)
    moved = (network.uuid if network else None) != nic.network
    mac = nic.mac
    if "mac" in asked:
        if asked["mac"] == "auto":
            text = f"{what}: 'auto' is for new NICs, use 'generate' for another MAC address"
            raise OpPrereqError(text, ECode.INVAL)
        mac = "generate" if asked["mac"] in AUTO else check_mac(str(asked["mac"]))
    elif moved and mac_prefix(network, view) != mac_prefix(find_network(nic.network, view), view):
        mac = "generate"
    ip = asked.get("ip", nic.ip)
    changed = msgspec.structs.replace(
        nic,
        mac=mac,
        ip=nic_address(what, ip, network),
        network=None if network is None else network.uuid,
        name=nic_name(asked["name"]) if "name" in asked else nic.name,
        nicparams=_changed_link(what, nic, link_params(asked), network, group),
    )
    return checked_nic(what, changed, view)


def _changed_link(
    what: str, nic: Nic, params: Request, network: Network | None, group: NodeGroup
) -> Mapping[str, object]:
    if network is None:
        # What the network it leaves said of the link is not for outside of it.
        return updated_nicparams({} if nic.network else nic.nicparams, params)
    if params:
        text = f"{what}: {min(params)} cannot be changed, the NIC is in network {network.name}"
        raise OpPrereqError(text, ECode.INVAL)
    return nic.nicparams if network.uuid == nic.network else connection(network, group)


def nic_lines(
    edits: Sequence[Edit[Nic]], nics: Sequence[Nic], view: ClusterView
) -> Iterator[tuple[str, str | None]]:
    """What became of NICs, as the opcode's result has it.

    Args:
        edits: what was done.
        nics: the NICs as they were recorded.
        view: the cluster.
    """
    for edit in edits:
        nic = edit.device if edit.final is None else nics[edit.final]
        if edit.action is ListChange.REMOVE:
            yield f"nic/{edit.index}", "remove"
        elif edit.action is ListChange.ADD:
            yield f"nic.{edit.index}", f"add:{_described(nic, view)}"
        else:
            yield from _changed_fields(edit, nic, view)


def _described(nic: Nic, view: ClusterView) -> str:
    params = view.filled_nicparams(nic)
    found = {"mac": nic.mac, "ip": nic.ip, "mode": params.mode, "link": params.link}
    if params.vlan:
        found["vlan"] = params.vlan
    found["network"] = _network_name(nic, view)
    return ",".join(f"{key}={value}" for key, value in found.items())


def _network_name(nic: Nic, view: ClusterView) -> str | None:
    return None if nic.network is None else view.network(nic.network).name


def _changed_fields(
    edit: Edit[Nic], nic: Nic, view: ClusterView
) -> Iterator[tuple[str, str | None]]:
    for key in _FIELDS:
        if key in edit.given:
            yield f"nic.{key}/{edit.index}", getattr(nic, key)
    if "network" in edit.given:
        yield f"nic.network/{edit.index}", _network_name(nic, view)
    if {"mode", "link", "vlan", "bridge", "network"} & set(edit.given):
        for key, value in nic.nicparams.items():
            yield f"nic.{key}/{edit.index}", str(value)
