"""Finds the address at which a guest's SPICE server is to listen."""

import json
from collections.abc import Callable
from ipaddress import ip_address
from typing import Final

from pyganeti.kit.process import Command, ProcessError, Runner
from pyganeti.model.errors import HypervisorError
from pyganeti.wire.noderpc.struct import Params

from .display import SpiceServer

_VERSIONS: Final = {"inet": 4, "inet6": 6}


class SpicePlaces:
    """What SPICE servers of this node need.

    Args:
        runner: runs ``ip``.
        certificate: file with the servers' certificate and key.
        ca: file with the certificate of who signed it.
        version: of IP, as the cluster uses it.
    """

    def __init__(
        self, runner: Runner, certificate: str, ca: str, version: Callable[[], int]
    ) -> None:
        self._run = runner
        self._certificate = certificate
        self._ca = ca
        self._version = version

    async def server(self, hvp: Params) -> SpiceServer | None:
        """Where the server of a guest listens; ``None`` without one.

        Raises:
            HypervisorError: ``spice_bind`` is neither an address nor an interface with one.
        """
        place = str(hvp["spice_bind"])
        if not place:
            return None
        wanted = int(hvp["spice_ip_version"])
        try:
            version = ip_address(place).version
        except ValueError:
            place = await self._address(place, wanted)
        else:
            if wanted not in (0, version):
                raise _refusal(place, f"an IPv{wanted} address, because of spice_ip_version")
        return SpiceServer(place, self._certificate, self._ca)

    async def _address(self, interface: str, wanted: int) -> str:
        try:
            # Without "dev", the name of an option would be taken for one.
            command = Command(("ip", "-json", "address", "show", "dev", interface))
            text = (await self._run(command)).stdout
        except ProcessError as err:
            raise _refusal(interface, "an IP address or an interface of this node") from err
        found = {
            _VERSIONS[entry["family"]]: str(entry["local"])
            for link in json.loads(text)
            for entry in reversed(link.get("addr_info", ()))
            if entry.get("scope") != "link" and entry.get("family") in _VERSIONS
        }
        address = found.get(wanted or self._version()) or (
            next(iter(found.values()), None) if not wanted else None
        )
        if address is None:
            kind = f"an IPv{wanted}" if wanted else "an"
            raise _refusal(interface, f"an interface with {kind} address")
        return address


def _refusal(value: str, expected: str) -> HypervisorError:
    return HypervisorError(f"hypervisor parameter spice_bind: {value!r}, expected {expected}")
