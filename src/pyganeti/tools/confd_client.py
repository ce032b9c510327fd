"""``confd-client``: asks a confd everything, says whether it answers, and how fast.

Source: the options of Ganeti's tool of this name.
"""

import argparse
import sys
from collections.abc import Sequence
from typing import Any, Final

from pyganeti.kit.clock import monotonic
from pyganeti.wire.confd.client import ConfdClient
from pyganeti.wire.confd.message import Query, Reply, Status

from .confd_options import client_of, confd_parser
from .ending import ended

_REQUESTS: Final = 100
_LONGEST: Final = 60


def questions(client: ConfdClient, timeout_s: float) -> list[tuple[Query, Any]]:
    """Every question, about the master and one of its instances.

    Raises:
        ConfdError: nobody answers.
    """
    master = client.ask(Query.CLUSTER_MASTER, timeout_s=timeout_s).reply.answer
    found: list[tuple[Query, Any]] = [
        (Query.PING, None),
        (Query.NODE_ROLE_BY_NAME, master),
        (Query.CLUSTER_MASTER, {"3": [0, 1, 2]}),
        (Query.NODE_PIP_LIST, None),
        (Query.MC_PIP_LIST, None),
        (Query.INSTANCES_IPS_LIST, None),
        (Query.NODE_DRBD, master),
        (Query.NODE_INSTANCES, master),
        (Query.CONFIG_QUERY, "/cluster/cluster_name"),
        (Query.DATA_COLLECTORS, None),
    ]
    ips = client.ask(Query.INSTANCES_IPS_LIST, timeout_s=timeout_s).reply.answer
    instances = client.ask(Query.CONFIG_QUERY, "/instances", timeout_s=timeout_s).reply
    if instances.status is Status.OK and instances.answer:
        found.append((Query.INSTANCE_DISKS, next(iter(instances.answer))))
    found.append((Query.NODE_PIP_BY_INSTANCE_IP, {"2": ips if isinstance(ips, list) else []}))
    return sorted(found, key=lambda question: question[0])


def describe(query: Query, reply: Reply) -> str:
    """A line about an answer."""
    what = "OK" if reply.status is Status.OK else "FAILED"
    text = str(reply.answer)
    return f"- {query.name.lower()}: {what} ({text[:_LONGEST]}{'...' * (len(text) > _LONGEST)})"


def check(client: ConfdClient, options: argparse.Namespace) -> bool:
    """Ask everything; whether all is well."""
    print("- Checking confd results")
    well = True
    for query, argument in questions(client, options.timeout):
        reply = client.ask(query, argument, timeout_s=options.timeout).reply
        print(describe(query, reply))
        well &= reply.status is Status.OK
    return well


def measure(client: ConfdClient, options: argparse.Namespace) -> None:
    """Ask the same many times."""
    taken = []
    for _ in range(options.requests):
        start = monotonic()
        client.ask(Query.CLUSTER_MASTER, timeout_s=options.timeout)
        taken.append(monotonic() - start)
    middle = sorted(taken)[len(taken) // 2]
    print(f"- {len(taken)} requests in {sum(taken):.2f} s, half of them in {1000 * middle:.2f} ms")


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; 1 if something is not answered."""
    parser = confd_parser("confd-client", __doc__.splitlines()[0])
    parser.add_argument(
        "-r",
        "--requests",
        type=int,
        default=_REQUESTS,
        help=f"how many to measure the time with (default: {_REQUESTS}; 0: none)",
    )
    options = parser.parse_args(argv)
    return ended("confd-client", lambda: _try(options))


def _try(options: argparse.Namespace) -> int:
    client = client_of(options)
    well = check(client, options)
    if options.requests > 0:
        measure(client, options)
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
