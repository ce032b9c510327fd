"""The collector ``drbd``: what ``/proc/drbd`` says of the module and its devices. Pure.

    text, pairing of minors and instances -> data

A module of DRBD 9 lists no devices there, so the report has its version only; its devices are in
the metrics. Source: DRBD 8.4 user's guide, ``/proc/drbd``; ``tests/golden/mond``.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from .report import Code, CollectorError, Data, worst

PATH: Final = "/proc/drbd"
_VERSION: Final = re.compile(r"version: (\S+)(?: \(api:([^/)]+)(?:/proto:([^)]+))?\))?")
_HASH: Final = re.compile(r"GIT-hash: (\S+)(?: build by (.+))?")
_DEVICE: Final = re.compile(
    r"\s*(\d+): cs:(\S+)(?: (?:ro|st):(\w+)/(\w+) ds:(\w+)/(\w+) (\S+) (\S+))?\s*$"
)
_FIGURES: Final = re.compile(r"\s+ns:\d+ ")
_PERCENT: Final = re.compile(r".*sync'ed:\s*([\d.]+)% \((\d+)/(\d+)\)([KM])")
_FINISH: Final = re.compile(
    r"\s*finish: (\d+):(\d\d):(\d\d) speed: ([\d,]+) \([\d,]+\)(?: want: ([\d,]+))? ([KM])/sec"
)
_UNITS: Final = {"K": "KiloByte", "M": "MegaByte"}
_NAMES: Final = {
    "ns": "networkSend", "nr": "networkReceive", "dw": "diskWrite", "dr": "diskRead",
    "al": "activityLog", "bm": "bitMap", "lo": "localCount", "pe": "pending",
    "ua": "unacknowledged", "ap": "applicationPending", "ep": "epochs", "wo": "writeOrder",
    "oos": "outOfSync",
}  # fmt: skip
_CONNECTING: Final = (Code.TEMPORARY, "Trying to establish a network connection")
_TROUBLE: Final = (Code.TEMPORARY, "Communication problems between the peers")
# Of states that are not here nothing is wrong.
_JUDGED: Final[Mapping[str, tuple[Code, str]]] = {
    "Unconnected": _CONNECTING,
    "WFConnection": _CONNECTING,
    "WFReportParams": _CONNECTING,
    "BrokenPipe": _TROUBLE,
    "NetworkFailure": _TROUBLE,
    "ProtocolError": _TROUBLE,
    "Timeout": _TROUBLE,
    "Disconnecting": (Code.TEMPORARY, "The connection is being closed"),
    "StandAlone": (Code.BAD, "No network config available"),
    "TearDown": (Code.BAD, "The peer is closing the connection"),
}


def parse_drbd(text: str, instances: Mapping[int, str]) -> dict[str, Data]:
    """The collector's data.

    Args:
        text: of ``/proc/drbd``; empty where the module is not loaded, which is no fault.
        instances: names by minor, of those that the cluster knows.

    Raises:
        CollectorError: it is not what DRBD writes.
    """
    if not text:
        return {"status": worst(()), "versionInfo": {}, "deviceInfos": []}
    lines = text.splitlines()
    version = dict(_version(lines))
    if "version" not in version:
        raise CollectorError(f"{PATH}: no version in {text[:200]!r}")
    devices = [dict(_device(block, instances)) for block in _blocks(lines)]
    judged = (_judged(device) for device in devices)
    return {"status": worst(judged), "versionInfo": version, "deviceInfos": devices}


def _version(lines: list[str]) -> Iterator[tuple[str, str]]:
    for line in lines:
        if found := _VERSION.match(line):
            names = ("version", "api", "proto")
            yield from ((name, one) for name, one in zip(names, found.groups(), strict=True) if one)
        elif line.startswith("srcversion: "):
            yield "srcversion", line.removeprefix("srcversion: ")
        elif found := _HASH.match(line):
            yield "gitHash", found[1]
            if found[2]:
                yield "buildBy", found[2]


def _blocks(lines: list[str]) -> list[list[str]]:
    """The lines of each device."""
    blocks: list[list[str]] = []
    for line in lines:
        if re.match(r"\s*\d+: cs:", line):
            blocks.append([])
        if blocks:
            blocks[-1].append(line)
    return blocks


def _device(block: list[str], instances: Mapping[int, str]) -> Iterator[tuple[str, Data]]:
    found = _DEVICE.match(block[0])
    if found is None:
        raise CollectorError(f"{PATH}: unexpected line {block[0][:200]!r}")
    minor, state = int(found[1]), found[2]
    yield "minor", minor
    yield "connectionState", state
    if found[3] is None:
        return
    names = ("localRole", "remoteRole", "localState", "remoteState")
    yield from zip(names, found.groups()[2:6], strict=True)
    yield "replicationProtocol", found[7]
    yield "ioFlags", found[8]
    yield "perfIndicators", _figures(block[1:])
    if sync := dict(_sync(block[1:])):
        yield "syncStatus", sync
    yield "instance", instances.get(minor)


def _figures(lines: list[str]) -> dict[str, Data]:
    line = next(filter(_FIGURES.match, lines), "")
    pairs = (word.partition(":") for word in line.split())
    return {
        _NAMES[key]: int(value) if value.isdecimal() else value
        for key, _colon, value in pairs
        if key in _NAMES
    }


def _sync(lines: list[str]) -> Iterator[tuple[str, Data]]:
    """Progress, of a device whose disks are being made the same."""
    for line in lines:
        if found := _PERCENT.match(line):
            percent = float(found[1])
            yield "percentage", int(percent) if percent.is_integer() else percent
            yield "progress", f"{found[2]}/{found[3]}"
            yield "progressUnit", _UNITS[found[4]]
        elif found := _FINISH.match(line):
            yield "timeToFinish", f"{int(found[1]):02}:{found[2]}:{found[3]}"
            yield "speed", _number(found[4])
            if found[5]:
                yield "want", _number(found[5])
            yield "speedUnit", f"{_UNITS[found[6]]}/Second"


def _number(text: str) -> int:
    return int(text.replace(",", ""))


def _judged(device: Mapping[str, Data]) -> tuple[Code, str]:
    code, said = _JUDGED.get(device["connectionState"], (Code.OK, ""))
    return code, f"{device['minor']}: {said}" if said else ""
