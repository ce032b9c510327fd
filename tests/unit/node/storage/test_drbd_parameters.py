"""Each disk parameter of DRBD comes to a command, or to the volumes below."""

import pytest

from pyganeti.kit.process import Command, Finished
from pyganeti.model.enums import DiskTemplate
from pyganeti.model.errors import ParameterError
from pyganeti.model.params.disk import (
    DEFAULTS,
    SETS,
    check_diskparams,
    device_params,
    drbd_volume_params,
    fill_diskparams_of,
)
from pyganeti.node.storage.drbd import commands
from pyganeti.node.storage.drbd.commands import Link
from pyganeti.node.storage.drbd.device import Device, Drbd
from tests.unit.node.storage.drbd_kernel import Told, captured
from tools.machine import CHECKOUT

GOLDEN = CHECKOUT / "tests" / "golden" / "drbd" / "8.4.11"
LINK = Link("192.0.2.1", "192.0.2.2", 11000, "hush")
DYNAMIC: dict[str, object] = {"dynamic_resync": True}


def words(**changes: object) -> dict[str, list[str]]:
    """What is run for a disk with these parameters, given as users write them."""
    given = {name.replace("_", "-"): value for name, value in changes.items()}
    checked = check_diskparams({"drbd": given})[DiskTemplate.DRBD]
    filled = fill_diskparams_of(DiskTemplate.DRBD, {DiskTemplate.DRBD: checked}, {})
    params = device_params(DiskTemplate.DRBD, filled)
    data, meta = drbd_volume_params(filled)
    return {
        "attach": list(commands.attach(0, "/dev/d", "/dev/m", 64, params).argv),
        "connect": [word for one in commands.connect(0, LINK, params) for word in one.argv],
        "options": [word for one in commands.tune_disk(0, params) for word in one.argv],
        "data": [f"stripes={data['stripes']}"],
        "meta": [f"stripes={meta['stripes']}"],
        "metavg": [str(params["default-metavg"])],
    }


# What is given, what it comes to, and the word by which it is known.
FOUND: dict[str, tuple[dict[str, object], str, str]] = {
    "c-delay-target": ({"c_delay_target": 5} | DYNAMIC, "options", "--c-delay-target=5"),
    "c-fill-target": ({"c_fill_target": 6} | DYNAMIC, "options", "--c-fill-target=6"),
    "c-max-rate": ({"c_max_rate": 7000} | DYNAMIC, "options", "--c-max-rate=7000"),
    "c-min-rate": ({"c_min_rate": 8} | DYNAMIC, "options", "--c-min-rate=8"),
    "c-plan-ahead": ({"c_plan_ahead": 9} | DYNAMIC, "options", "--c-plan-ahead=9"),
    "data-stripes": ({"data_stripes": 2}, "data", "stripes=2"),
    "disk-barriers": ({"disk_barriers": "bf"}, "attach", "--disk-flushes=no"),
    "disk-custom": ({"disk_custom": "--al-extents '257'"}, "attach", "257"),
    "dynamic-resync": (DYNAMIC, "options", "--c-plan-ahead=20"),
    "meta-barriers": ({"meta_barriers": True}, "attach", "--md-flushes=no"),
    "meta-stripes": ({"meta_stripes": 3}, "meta", "stripes=3"),
    "metavg": ({"metavg": "metavg"}, "metavg", "metavg"),
    "net-custom": ({"net_custom": "--ping-int=3"}, "connect", "--ping-int=3"),
    "protocol": ({"protocol": "B"}, "connect", "--protocol=B"),
    "resync-rate": ({"resync_rate": 512}, "options", "--resync-rate=512"),
}


def test_all_parameters_are_here() -> None:
    assert sorted(FOUND) == sorted(DEFAULTS[DiskTemplate.DRBD])
    assert sorted(FOUND) == sorted(SETS[DiskTemplate.DRBD].params)


@pytest.mark.parametrize("name", FOUND)
def test_it_takes_effect(name: str) -> None:
    changes, where, word = FOUND[name]
    assert word in words(**changes)[where]
    assert word not in words()[where]


def test_rates_of_the_controller_are_for_it_only() -> None:
    fixed = words(c_max_rate=7000)["options"]
    assert fixed[-2:] == ["--c-plan-ahead=0", "--resync-rate=61440"]
    assert not [word for word in words(dynamic_resync=True)["options"] if "resync-rate" in word]


@pytest.mark.parametrize("name", ["disk-custom", "net-custom"])
@pytest.mark.parametrize("value", ["--x='y", '"', "\\"])
def test_options_that_cannot_be_told_apart_are_refused(name: str, value: str) -> None:
    with pytest.raises(ParameterError, match="options with closed quotes"):
        check_diskparams({"drbd": {name: value}})


async def test_a_device_that_has_its_disk_is_told_changed_rates() -> None:
    ran: list[str] = []

    async def run(command: Command) -> Finished:
        ran.append(str(command))
        shown = (GOLDEN / "show-connected.txt").read_text()
        return Finished(0, shown if command.argv[1] == "show" else "", "")

    filled = fill_diskparams_of(DiskTemplate.DRBD, {DiskTemplate.DRBD: {"resync-rate": 512}}, {})
    params = device_params(DiskTemplate.DRBD, filled)
    await Drbd(run, Told(captured("synced-primary"))).attach(
        Device(0, "/dev/xenvg/d0", "/dev/xenvg/m0", 64, LINK, params)
    )
    assert ran[-1] == "drbdsetup disk-options 0 --c-plan-ahead=0 --resync-rate=512"
    assert not [command for command in ran if "attach" in command]
