"""``mon-collector``: runs one data collector and prints its report.

    collector's name, options -> files, programs, confd -> report as JSON

Source: mon-collector(7).
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from functools import partial

from pyganeti.kit.clock import SystemClock
from pyganeti.kit.files import read_bytes
from pyganeti.kit.paths import Paths
from pyganeti.kit.process import run
from pyganeti.kit.resolver import own_hostname
from pyganeti.model.versions import RELEASE_VERSION
from pyganeti.node.monitor import diskstats, drbd, gather, volumes
from pyganeti.node.monitor.known import Known, both, candidates_client, pairing
from pyganeti.node.monitor.report import (
    DISKSTATS,
    DRBD,
    INST_STATUS,
    LV,
    CollectorError,
    Data,
    report,
)
from pyganeti.wire.confd.client import DEFAULT_PORT, ConfdClient

from .ending import ended

_COLLECTORS = {one.name: one for one in (DISKSTATS, DRBD, INST_STATUS, LV)}


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(
        prog="mon-collector",
        description=__doc__.splitlines()[0],
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    version = f"mon-collector (ganeti) {RELEASE_VERSION}"
    made.add_argument("--version", action="version", version=version)
    all_of_them = made.add_subparsers(dest="collector", required=True, metavar="COLLECTOR")
    one = all_of_them.add_parser(DISKSTATS.name, help="block devices", allow_abbrev=False)
    one.add_argument("-f", "--file", default=diskstats.PATH, help="read this instead")
    one = all_of_them.add_parser(DRBD.name, help="DRBD and its devices", allow_abbrev=False)
    one.add_argument("-s", "--drbd-status", default=drbd.PATH, metavar="FILE", help="read this")
    one.add_argument("-p", "--drbd-pairing", metavar="FILE", help="minors, instead of confd's")
    one = all_of_them.add_parser(INST_STATUS.name, help="instances on Xen", allow_abbrev=False)
    _add_confd(one)
    one = all_of_them.add_parser(LV.name, help="logical volumes", allow_abbrev=False)
    _add_confd(one)
    one.add_argument("-f", "--file", help="output of lvs, instead of running it")
    one.add_argument("-i", "--instances", metavar="FILE", help="instances, instead of confd's")
    # The help of all, since none has much.
    made.epilog = "\n".join(one.format_help() for one in all_of_them.choices.values())
    return made


def _add_confd(one: argparse.ArgumentParser) -> None:
    one.add_argument("-a", "--address", help="address of a confd to ask")
    one.add_argument("-p", "--port", type=int, default=DEFAULT_PORT, help="port of confd")


def _known(options: argparse.Namespace, paths: Paths) -> Known:
    address = getattr(options, "address", None)
    port = getattr(options, "port", DEFAULT_PORT)

    def client() -> ConfdClient:
        if address is None:
            return candidates_client(paths, port)
        return ConfdClient(read_bytes(paths.hmac_key) or b"", [address], port)

    return Known(client, own_hostname(paths))


def _read(path: str) -> Data:
    """A file's JSON.

    Raises:
        CollectorError: there is none.
    """
    try:
        with open(path, encoding="utf-8") as handle:
            return json.load(handle)
    except (ValueError, RecursionError) as err:
        raise CollectorError(f"{path}: {err}") from err


async def collected(options: argparse.Namespace, paths: Paths) -> Data:
    """Data of the collector that is asked for.

    Raises:
        CollectorError: there is none.
        OSError: a file cannot be read.
    """
    known = _known(options, paths)
    if options.collector == DISKSTATS.name:
        return await gather.disk_statistics(options.file)
    if options.collector == DRBD.name:
        given = options.drbd_pairing
        minors = pairing(_read(given)) if given else await known.minors()
        return await gather.drbd_status(minors, options.drbd_status)
    if options.collector == INST_STATUS.name:
        return await gather.xen_status(run, SystemClock(), known, paths.instance_reason_dir)
    return await _volumes(options, known)


async def _volumes(options: argparse.Namespace, known: Known) -> Data:
    given = options.instances
    # A file of instances may hold their disks; of those that it only names, confd knows.
    instances = both(_read(given)) if given else await known.instances()
    owners = await known.owners(instances)
    if options.file is None:
        return await gather.logical_volumes(run, owners)
    return volumes.parse_lvs(await gather.read_text(options.file), owners)


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; 1 if there is nothing to report."""
    return ended("mon-collector", partial(_try, parser().parse_args(argv)))


def _try(options: argparse.Namespace) -> int:
    data = asyncio.run(collected(options, Paths.from_env()))
    now_ns = int(SystemClock().now() * 1_000_000_000)
    print(json.dumps(report(_COLLECTORS[options.collector], data, now_ns)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
