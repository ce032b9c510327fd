"""An instance on DRBD made by hand: what ``benchmarks.lab`` compares our commands with."""

import json
from typing import Final

from tests.lab.guest import Guest

from tools.lab.nodes import Node

NAME: Final = "hand1.example.com"
ADDRESS: Final = "10.77.0.60"
_MAC: Final = "52:54:00:99:00:01"
_MINOR: Final = 90
_DEVICE: Final = f"/dev/drbd{_MINOR}"
_PORT: Final = 8102
_PLACE: Final = "/var/run/ganeti/kvm-hypervisor/ctrl"
_RESOURCE: Final = """\
resource hand {{
  protocol C;
  device {device} minor {minor};
  disk /dev/xenvg/hand_data;
  meta-disk /dev/xenvg/hand_meta;
  disk {{ resync-rate 61440k; c-plan-ahead 0; disk-flushes yes; }}
  net {{ cram-hmac-alg md5; shared-secret hush; }}
  on {one} {{ address {one_ip}:11990; }}
  on {two} {{ address {two_ip}:11990; }}
}}
"""
_QEMU: Final = (
    "qemu-system-x86_64 -name {name} -daemonize -pidfile /run/hand.pid -accel kvm -cpu host"
    " -m 128 -smp 1 -display none -vga none -kernel /boot/guest/vmlinuz -initrd /boot/guest/initrd"
    " -append 'console=ttyS0 root=/dev/vda ro quiet mitigations=off'"
    " -drive file={device},format=raw,if=virtio,cache=none,aio=threads"
    " -netdev tap,id=n0,ifname=hand0,script=no,downscript=no,vhost=off"
    " -device virtio-net-pci,netdev=n0,mac={mac}"
    " -serial unix:{place}/{name}.serial,server=on,wait=off"
    " -qmp unix:/run/hand.qmp,server=on,wait=off {more}"
    " && ip link set hand0 master br0 up"
)
# What one types at QEMU's socket: commands, and optionally an event or a state to wait for.
_QMP: Final = b"""
import json, socket, sys, time
with socket.socket(socket.AF_UNIX) as link, link.makefile("rb") as answers:
    link.connect("/run/hand.qmp")
    answers.readline()
    def ask(command):
        link.sendall(json.dumps(command).encode() + b"\\n")
        while True:
            answer = json.loads(answers.readline())
            if "return" in answer or "error" in answer:
                return answer
    ask({"execute": "qmp_capabilities"})
    for command in json.loads(sys.argv[1]):
        answer = ask(command)
        if "error" in answer:
            sys.exit(str(answer))
    def status():
        return ask({"execute": "query-migrate"})["return"]["status"]
    while len(sys.argv) > 2 and status() != sys.argv[2]:
        time.sleep(0.05)
"""


class OneByHand:
    """The instance, on two machines."""

    def __init__(self, one: Node, two: Node) -> None:
        self._nodes = [one, two]
        self.guest = Guest(NAME)
        self.address = ADDRESS
        self.mac = _MAC

    @property
    def _here(self) -> Node:
        return self._nodes[0]

    @property
    def _there(self) -> Node:
        return self._nodes[1]

    def _both(self, command: str) -> None:
        for node in self._nodes:
            node.run(command)

    def _start(self, node: Node, more: str = "") -> None:
        words = {"name": NAME, "device": _DEVICE, "mac": _MAC, "place": _PLACE}
        node.run(f"mkdir -p {_PLACE}; " + _QEMU.format(more=more, **words))

    def _type(self, node: Node, *commands: dict[str, object], until: str = "") -> None:
        node.run(f"python3 - '{json.dumps(commands)}' {until}", stdin=_QMP)

    def _end(self, order: str) -> None:
        """Give QEMU an order that ends it, and wait until it has; its pid file ends with it."""
        pid = self._here.run("cat /run/hand.pid").strip()
        self._type(self._here, {"execute": order})
        self._here.run(f"while [ -e /proc/{pid} ]; do sleep 0.1; done")

    def create(self) -> None:
        """Make and start it, in sync."""
        text = _RESOURCE.format(
            device=_DEVICE, minor=_MINOR,
            one=_host(self._nodes[0]), one_ip=self._nodes[0].secondary,
            two=_host(self._nodes[1]), two_ip=self._nodes[1].secondary,
        )  # fmt: skip
        for node in self._nodes:
            node.put({"/etc/drbd.d/hand.res": text.encode()})
        self._both(
            "lvcreate -y -q -Wn -L 512m -n hand_data xenvg"
            " && lvcreate -y -q -Wn -L 128m -n hand_meta xenvg"
            " && drbdadm -- --force create-md hand && drbdadm up hand"
        )
        self._here.run("drbdadm primary --force hand")
        synced = "until grep -q 'ds:UpToDate/UpToDate' /proc/drbd; do sleep 0.2; done"
        self._here.run(synced)
        self._here.run(
            f"env OS_API_VERSION=20 INSTANCE_NAME={NAME} DISK_COUNT=1 DISK_0_PATH={_DEVICE}"
            f" NIC_COUNT=1 NIC_0_MAC={_MAC} NIC_0_IP={ADDRESS} NIC_0_MODE=bridged"
            " OS_VARIANT=default /usr/share/ganeti/os/micro/create"
        )
        self._start(self._here)

    def fail_over(self) -> None:
        """Stop it here and start it there."""
        self._end("system_powerdown")
        self._here.run("drbdadm secondary hand")
        self._there.run("drbdadm primary hand")
        self._start(self._there)
        self._nodes.reverse()

    def migrate(self) -> None:
        """Move it while it runs."""
        self._both("drbdadm net-options --allow-two-primaries=yes hand")
        self._there.run("drbdadm primary hand")
        self._start(self._there, f"-incoming tcp:0:{_PORT}")
        to: dict[str, object] = {
            "execute": "migrate",
            "arguments": {"uri": f"tcp:{self._there.secondary}:{_PORT}"},
        }
        self._type(self._here, to, until="completed")
        self._end("quit")
        self._here.run("drbdadm secondary hand")
        self._both("drbdadm net-options --allow-two-primaries=no hand")
        self._nodes.reverse()

    def remove(self) -> None:
        """Leave nothing."""
        self._here.run("kill -9 $(cat /run/hand.pid); sleep 0.5")
        self._both(
            "drbdadm down hand && lvremove -y -q xenvg/hand_data xenvg/hand_meta"
            " && rm /etc/drbd.d/hand.res"
        )
        if self._nodes[0].number != 1:
            self._nodes.reverse()


def _host(node: Node) -> str:
    return f"{node.name}.example.com"
