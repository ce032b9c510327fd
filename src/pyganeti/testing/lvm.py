"""LVM of simulated nodes: its programs, over one volume group. A runner for the real driver.

Held to the real thing by the contract of disk drivers, which both keep. Sizes are extents of 4 MiB.
"""

import json
import re
from dataclasses import dataclass, field
from typing import Any, Final

from pyganeti.kit.process import Command, Finished, ProcessError

EXTENT: Final = 4 << 20
GROUP: Final = "xenvg"


class _Refused(Exception):
    """A program fails; the text is what it says."""


@dataclass
class SimVolume:
    """A logical volume: how many extents it has of each physical volume."""

    places: dict[str, int]
    stripes: int = 1
    tags: list[str] = field(default_factory=list)
    active: bool = True

    @property
    def extents(self) -> int:
        """All of them."""
        return sum(self.places.values())


class SimLvm:
    """LVM's programs on a node with the volume group ``xenvg``.

    Args:
        sizes: in MiB, by physical volume.

    Attributes:
        volumes: by name; tests may look.
        closed: physical volumes that take no new volumes.
        missing: names of physical volumes that have vanished.
    """

    def __init__(self, sizes: dict[str, int]) -> None:
        self._extents = {name: mib * (1 << 20) // EXTENT for name, mib in sizes.items()}
        self.volumes: dict[str, SimVolume] = {}
        self.closed: set[str] = set()
        self.missing: set[str] = set()

    async def __call__(self, command: Command) -> Finished:
        """See :class:`~pyganeti.kit.process.Runner`."""
        program, *words = command.argv
        try:
            run = {"vgs": self._vgs, "pvs": self._pvs, "lvs": self._lvs}.get(program)
            if run is not None:
                return Finished(0, json.dumps({"report": [run(words)]}), "")
            self._change(program, words)
        except _Refused as err:
            said = f"  {err}\n"
            raise ProcessError(command, f"exit code 5: {err}", Finished(5, "", said)) from err
        return Finished(0, "", "")

    def free(self, name: str) -> int:
        """Extents of a physical volume that no volume has."""
        return self._extents[name] - sum(one.places.get(name, 0) for one in self.volumes.values())

    # --- reports

    def _vgs(self, words: list[str]) -> dict[str, Any]:  # Any: JSON
        self._check_group(words)
        row = {
            "vg_name": GROUP,
            "vg_size": str(sum(self._extents.values()) * EXTENT),
            "vg_free": str(sum(map(self.free, self._extents)) * EXTENT),
            "vg_extent_size": str(EXTENT),
            "vg_attr": "wz-pn-" if self.missing else "wz--n-",
        }
        return {"vg": [row]}

    def _pvs(self, words: list[str]) -> dict[str, Any]:  # Any: JSON
        if "--segments" in words:
            rows = [
                {"pv_name": name, "lv_name": volume}
                for name in self._extents
                for volume in (*(v for v, one in self.volumes.items() if name in one.places), "")
            ]
            return {"pvseg": rows}
        return {
            "pv": [
                {
                    "pv_name": "[unknown]" if name in self.missing else name,
                    "pv_size": str(extents * EXTENT),
                    "pv_free": str(self.free(name) * EXTENT),
                    "pv_attr": "---" if name in self.closed else "a--",
                }
                for name, extents in self._extents.items()
            ]
        }

    def _lvs(self, words: list[str]) -> dict[str, Any]:  # Any: JSON
        if "--segments" in words:
            return {"seg": [row for name, one in self.volumes.items() for row in _parts(name, one)]}
        self._check_group(words)
        wanted = re.findall(r'lv_name="([^"]*)"', " ".join(words))
        rows = [
            {
                "vg_name": GROUP,
                "lv_name": name,
                "lv_size": str(one.extents * EXTENT),
                "lv_attr": f"-wi-{'a' if one.active else '-'}-----",
                "lv_tags": ",".join(one.tags),
            }
            for name, one in self.volumes.items()
            if not wanted or name in wanted
        ]
        return {"lv": rows}

    def _check_group(self, words: list[str]) -> None:
        fixed = {words[index + 1] for index, word in enumerate(words) if word in ("-o", "-S")}
        units = {"json", "b"}
        asked = [word for word in words if not word.startswith("-") and word not in fixed | units]
        if asked not in ([], [GROUP]):
            raise _Refused(f'Volume group "{asked[0]}" not found')

    # --- changes

    def _change(self, program: str, words: list[str]) -> None:
        options, plain = _parted(words)
        if "--test" in options:
            return
        match program:
            case "lvcreate":
                self._create(options, plain)
            case "lvremove":
                self.volumes.pop(self._existing(plain[0]))
            case "lvrename":
                _group, old, new = plain
                if new in self.volumes:
                    raise _Refused(f'Logical Volume "{new}" already exists')
                self.volumes[new] = self.volumes.pop(self._existing(old))
            case "lvchange":
                for place in plain:
                    one = self.volumes[self._existing(place)]
                    one.active = one.active or "-ay" in options
                    one.tags = [tag for tag in one.tags if tag not in options.get("--deltag", [])]
                    one.tags += options.get("--addtag", [])
            case "lvextend":
                one = self.volumes[self._existing(plain[0])]
                more = _extents(options["-L"][0]) - one.extents
                for name, extents in self._taken(more, one.stripes, plain[1:]).items():
                    one.places[name] = one.places.get(name, 0) + extents
            case "pvchange":
                change = (
                    self.closed.discard if options["--allocatable"] == ["y"] else self.closed.add
                )
                change(plain[0])
            case "vgreduce":
                self._reduce(plain[0])
            case _:
                raise _Refused(f"{program}: what is that?")

    def _reduce(self, group: str) -> None:
        self._check_group([group])
        for name, one in self.volumes.items():
            if self.missing & one.places.keys():
                raise _Refused(f"There are still partial LVs in VG {group}: {name}")
        for lost in self.missing:
            del self._extents[lost]
        self.missing.clear()

    def _create(self, options: dict[str, list[str]], plain: list[str]) -> None:
        name, stripes = options["-n"][0], int(options.get("--stripes", ["1"])[0])
        if name in self.volumes:
            raise _Refused(f'Logical Volume "{name}" already exists in volume group "{GROUP}"')
        if "--snapshot" in options:
            wanted = self.volumes[self._existing(plain[0])].extents
        else:
            wanted = _extents(options["-L"][0])
        places = self._taken(wanted, stripes, plain[1:])
        self.volumes[name] = SimVolume(places, stripes, list(options["--addtag"]))

    def _taken(self, wanted: int, stripes: int, names: list[str]) -> dict[str, int]:
        """Extents for a volume, on as many physical volumes at least as it has stripes."""
        found: dict[str, int] = {}
        usable = [name for name in names or self._extents if name not in self.closed]
        names = [name for name in usable if self.free(name)]
        if stripes > 1:
            each = -(-wanted // stripes)
            found = dict.fromkeys(
                [name for name in names if self.free(name) >= each][:stripes], each
            )
            wanted = 0 if len(found) == stripes else wanted
        else:
            for name in names:
                taken = min(wanted, self.free(name))
                found |= {name: taken} if taken else {}
                wanted -= taken
        if wanted:
            raise _Refused(f'Volume group "{GROUP}" has insufficient free space')
        return found

    def _existing(self, place: str) -> str:
        name = place.rpartition("/")[2]
        if name not in self.volumes:
            raise _Refused(f'Failed to find logical volume "{place}"')
        return name


_WITH_VALUE: Final = frozenset(
    {
        "-L",
        "-n",
        "--addtag",
        "--deltag",
        "--stripes",
        "--zero",
        "--wipesignatures",
        "--extents",
        "--allocatable",
    }
)


def _parts(name: str, one: SimVolume) -> list[dict[str, str]]:
    """A segment for each physical volume."""
    size = str(one.extents * EXTENT)
    return [
        {"vg_name": GROUP, "lv_name": name, "lv_size": size, "devices": f"{place}(0)"}
        for place in one.places
    ]


def _parted(words: list[str]) -> tuple[dict[str, list[str]], list[str]]:
    """Options with their values, and the other words."""
    options: dict[str, list[str]] = {}
    plain, rest = [], iter(words)
    for word in rest:
        if word in _WITH_VALUE:
            options.setdefault(word, []).append(next(rest))
        elif word.startswith("-"):
            options.setdefault(word, [])
        else:
            plain.append(word)
    return options, plain


def _extents(text: str) -> int:
    """Extents of a size such as ``64m``."""
    return -(-(int(text.removesuffix("m")) << 20) // EXTENT)
