"""A guest of the lab, seen from its serial console: it counts on its disk, and tells what is there.

The lines it writes are numbered and carry a sum over all of them, so one that is missing, doubled
or from another time breaks the chain. What was lost with the power is missing at the end only.
"""

import re
from dataclasses import dataclass
from typing import Final

from tests.lab.cluster import GUEST_S
from tools.lab.nodes import Node

_COUNT: Final = (
    "cat > /count <<'E'\n"
    "i=0; c=0\n"
    "while :; do i=$((i+1)); c=$(((c*31+i)%65521)); echo $i $c >> /log;"
    " [ $((i%50)) = 0 ] && sync; sleep 0.02; done\n"
    "E\n"
    "cat > /check <<'E'\n"
    "i=0; c=0; bad=0\n"
    "while read a b; do i=$((i+1)); c=$(((c*31+i)%65521));"
    ' [ "$a $b" = "$i $c" ] || bad=$((bad+1)); done < /log\n'
    "sync; echo che''cked=$i bad=$bad boot=$(cat /proc/sys/kernel/random/boot_id)\n"
    "E\n"
    "rm -f /log; sync; sh /count & echo count''ing\n"
)
# Runs on the node: asks the guest until it says what is wanted, and prints that.
_TALK: Final = b"""
import re, socket, sys, time
path, ask, wanted, limit = sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4])
end, said, asked = time.monotonic() + limit, "", -60.0
def connected():
    while True:
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(2)
        try:
            sock.connect(path)
            return sock
        except OSError as err:
            if time.monotonic() > end:
                sys.exit(f"nobody listens at {path}: {err}")
        time.sleep(1)
with connected() as sock:
    while not (found := re.search(wanted, said)):
        if time.monotonic() > end:
            sys.exit(f"it did not say {wanted!r} but {said[-2000:]!r}")
        if time.monotonic() - asked > 30:
            sock.sendall(ask.encode())
            asked = time.monotonic()
        try:
            said += sock.recv(4096).decode("utf-8", "replace")
        except TimeoutError:
            pass
print(found.group(0))
"""


@dataclass(frozen=True)
class Counted:
    """How many lines a guest has written, how many are wrong, and the id of its boot."""

    lines: int
    wrong: int
    boot: str


@dataclass(frozen=True)
class Guest:
    """The guest of an instance, wherever it runs."""

    name: str

    def talk(self, node: Node, ask: str, wanted: str) -> str:
        """Say ``ask`` every half minute until it says ``wanted``, a pattern; what matches.

        Raises:
            LabError: it did not.
        """
        path = f"/var/run/ganeti/kvm-hypervisor/ctrl/{self.name}.serial"
        words = " ".join(f"'{word}'" for word in (path, ask.replace("'", "'\\''"), wanted))
        limit = f"{GUEST_S:.0f}"
        return node.run(f"python3 - {words} {limit}", stdin=_TALK, timeout_s=2 * GUEST_S)

    def is_up(self, node: Node) -> None:
        """Wait until a guest of the OS "micro" says who it is."""
        self.talk(node, "\nmicro\n", f"{re.escape(self.name)} is up")

    def log_in(self, node: Node) -> None:
        """Wait for the login prompt of a Debian guest, and log in: root has no password."""
        self.talk(node, "\n", f"{re.escape(self.name)} login: ")
        self.talk(node, "root\n", "root@")

    def count(self, node: Node) -> None:
        """Let it write, from 1 on. What is typed before its shell reads is lost."""
        self.talk(node, "\n" + _COUNT, "counting")

    def counted(self, node: Node) -> Counted:
        """What it has written so far; no power cut takes that away any more."""
        said = self.talk(node, "\nsh /check\n", r"checked=\d+ bad=\d+ boot=[0-9a-f-]{36}")
        found = re.search(r"checked=(\d+) bad=(\d+) boot=(\S+)", said)
        assert found is not None
        return Counted(int(found.group(1)), int(found.group(2)), found.group(3))
