"""A cluster of lab nodes: names, the OS ``micro``, guests in nested KVM."""

from collections.abc import Sequence
from typing import Final

from tools.lab.nodes import Node
from tools.machine import CHECKOUT

NAME: Final = "cluster.example.com"
ADDRESS: Final = "10.77.0.100"
STORAGE: Final = "/srv/ganeti/file-storage"
KVM: Final = (
    "kvm:kvm_path=/usr/bin/qemu-system-x86_64,kernel_path=/boot/guest/vmlinuz,"
    "initrd_path=/boot/guest/initrd,root_path=/dev/vda,kernel_args=ro quiet mitigations=off"
)
# Guests of guests of an emulated machine take their time.
GUEST_S: Final = 300.0


class LabCluster:
    """Commands on the first of ``nodes``, which becomes the master."""

    def __init__(self, nodes: Sequence[Node]) -> None:
        self.nodes = list(nodes)
        self.master = self.nodes[0]

    @staticmethod
    def full_name(node: Node) -> str:
        """The node's name in the cluster."""
        return f"{node.name}.example.com"

    def prepare(self) -> None:
        """Give the machines names, a place for files and an OS."""
        hosts = [f"{ADDRESS} {NAME}"]
        hosts += [f"{node.address} {self.full_name(node)} {node.name}" for node in self.nodes]
        micro = CHECKOUT / "os" / "micro"
        scripts = {
            f"/usr/share/ganeti/os/micro/{path.relative_to(micro)}": path.read_bytes()
            for path in micro.rglob("*")
            if path.is_file()
        }
        for node in self.nodes:
            node.put({"/etc/hosts": ("\n".join(["127.0.0.1 localhost", *hosts]) + "\n").encode()})
            node.put({"/etc/ganeti/file-storage-paths": f"{STORAGE}\n".encode()})
            node.put(scripts, mode=0o755)
            node.run(f"mkdir -p {STORAGE} && hostname {self.full_name(node)}")

    def init(
        self, *options: str, templates: str = "file,diskless", secondaries: bool = False
    ) -> None:
        """Make the cluster on the first node and add the others.

        Args:
            options: of ``gnt-cluster init``.
            templates: disk templates to enable.
            secondaries: nodes have addresses of the replication network, too.
        """
        self.prepare()
        words = ["--master-netdev=br0", "--no-ssh-init", "--nic-parameters=link=br0", "-H", KVM]
        words += ["--enabled-hypervisors=kvm", f"--enabled-disk-templates={templates}"]
        second = [("-s", node.secondary) if secondaries else () for node in self.nodes]
        self.gnt("cluster", "init", *words, *second[0], *options, NAME)
        for node, own in zip(self.nodes[1:], second[1:], strict=True):
            self.gnt("node", "add", "--no-ssh-key-check", *own, self.full_name(node))

    def gnt(self, tool: str, *words: str, timeout_s: float = GUEST_S) -> str:
        """Run ``gnt-TOOL`` on the master; what it prints.

        Raises:
            LabError: it failed.
        """
        quoted = " ".join(f"'{word}'" for word in words)
        return self.master.run(f"gnt-{tool} {quoted}", timeout_s=timeout_s)

    def listed(self, tool: str, fields: str) -> list[list[str]]:
        """Rows of ``gnt-TOOL list``."""
        words = ("list", "--no-headers", "--separator=|", "-o", fields)
        return [line.split("|") for line in self.gnt(tool, *words).splitlines()]
