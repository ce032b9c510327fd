"""A network namespace in which a virtual cluster has addresses of any kind."""

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager


@contextmanager
def own_network(addresses: Sequence[str], more: str = "true") -> Iterator[tuple[str, ...]]:
    """A network with ``addresses`` on loopback; what to put before commands to run them in it.

    Args:
        addresses: with their prefix lengths.
        more: shell commands that make what else is to be there.
    """
    own = " && ".join(f"ip address add {address} dev lo" for address in addresses)
    script = f"ip link set lo up && {own} && {more} && echo ready && exec sleep infinity"
    words = ["unshare", "--net", "sh", "-c", script]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as holder:
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "ready\n", "cannot make a network of our own"
            yield ("nsenter", f"--target={holder.pid}", "--net")
        finally:
            holder.kill()
