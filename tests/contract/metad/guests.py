"""Guests of the metadata service: network namespaces that ask it."""

import os
import sys
from pathlib import Path

from pyganeti.kit.process import Command, Finished, run
from pyganeti.node.network.interfaces import interface_number
from pyganeti.wire.noderpc.specs import InstanceSpec, NicSpec

# Not the real one: this machine may have a metadata service of its own there.
ADDRESS = "198.51.100.254"
PORT = 8099
LATEST = "/ganeti/latest"
ASK = f"""
import http.client, sys
method, path, header, source, body = sys.argv[1:]
place = (source, 0) if source else None
service = http.client.HTTPConnection("{ADDRESS}", {PORT}, timeout=10, source_address=place)
service.request(method, path, headers={{"X": header}} if header else {{}})
answer = service.getresponse()
open(body, "wb").write(answer.read())
print(answer.status)
"""


TELL = f"""
import http.client, sys
service = http.client.HTTPConnection("{ADDRESS}", {PORT}, timeout=10)
service.request("POST", "{LATEST}/os/result", open(sys.argv[1], "rb").read())
print(service.getresponse().status)
"""


class Guest:
    """A network namespace in place of a virtual machine, behind a pair of interfaces."""

    def __init__(self, number: int, directory: Path) -> None:
        self.namespace = f"metad-{os.getpid()}-{number}"
        self.interface = f"gc{os.getpid() % 1000000}t{number}"
        self.ip = f"198.51.100.{number}"
        self._directory = directory

    async def make(self) -> None:
        """The interfaces, ours connected as noded connects it."""
        peer = ("peer", "name", "eth0", "netns", self.namespace)
        await run(Command(("ip", "link", "add", self.interface, "type", "veth", *peer)))
        for words in (
            f"link set {self.interface} up",
            f"address add {ADDRESS}/32 dev {self.interface}",
            f"route add {self.ip}/32 dev {self.interface}",
        ):
            await run(Command(("ip", *words.split())))
        for words in (
            f"address add {self.ip}/24 dev eth0", "link set eth0 up", "link set lo up",
        ):  # fmt: skip
            await self.inside("ip", *words.split())

    async def remove(self) -> None:
        """The interfaces again."""
        await run(Command(("ip", "link", "del", self.interface), ok_codes=frozenset({0, 1})))

    async def inside(self, *words: str) -> Finished:
        """Run a program in the guest."""
        enter = ("ip", "netns", "exec", self.namespace)
        return await run(Command((*enter, *words), ok_codes=frozenset(range(256))))

    async def be_helper(self) -> None:
        """Have the address that all helpers have; it is theirs in the test's network."""
        number = str(interface_number(self.interface))
        place = ("198.51.100.253/32", "dev", self.interface, "metric", number)
        await run(Command(("ip", "route", "replace", *place)))
        await self.inside("ip", "address", "flush", "dev", "eth0")
        await self.inside("ip", "address", "add", "198.51.100.253/24", "dev", "eth0")

    async def tell(self, result: bytes) -> int:
        """Status of the answer to a script's result."""
        sent = self._directory / "sent"
        sent.write_bytes(result)
        done = await self.inside(sys.executable, "-c", TELL, str(sent))
        return int(done.stdout)

    async def ask(
        self, path: str, *, method: str = "GET", header: str = "", source: str = ""
    ) -> tuple[int, bytes]:
        """Status and body of an answer; status 0 if there is none."""
        body = self._directory / "body"
        words = (method, path, header, source, str(body))
        done = await self.inside(sys.executable, "-c", ASK, *words)
        return (int(done.stdout), body.read_bytes()) if done.code == 0 else (0, b"")


def instance(name: str, *nics: NicSpec) -> InstanceSpec:
    return InstanceSpec(
        name=name, uuid=f"uuid-{name}", primary_node="n", hypervisor="kvm", os="talker+v1",
        osparams={"size": "big"}, osparams_private={"password": f"of {name}"}, nics=nics,
    )  # fmt: skip
