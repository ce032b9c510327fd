"""``query-config``: asks confd what stands at places of the configuration.

Source: the options and the output of Ganeti's tool of this name.
"""

import argparse
import sys
from collections.abc import Sequence

from pyganeti.wire.confd.message import Query, Status

from .confd_options import client_of, confd_parser
from .ending import ended


def _ask(options: argparse.Namespace) -> int:
    width, code = max(map(len, options.places)), 0
    client = client_of(options)
    for place in options.places:
        reply = client.ask(Query.CONFIG_QUERY, place, timeout_s=options.timeout).reply
        if reply.status is Status.OK:
            print(f"{place:<{width}}\t{reply.answer}")
        else:
            what = reply.answer if isinstance(reply.answer, str) else "there is no such place"
            print(f"query-config: {place}: {what}", file=sys.stderr)
            code = 1
    return code


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; 1 if a place does not exist or nobody answers."""
    parser = confd_parser("query-config", __doc__.splitlines()[0])
    parser.add_argument("places", nargs="+", metavar="QUERY", help="such as /cluster/cluster_name")
    options = parser.parse_args(argv)
    return ended("query-config", lambda: _ask(options))


if __name__ == "__main__":
    sys.exit(main())
