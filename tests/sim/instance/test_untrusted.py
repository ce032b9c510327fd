"""OP_INSTANCE_CREATE and OP_INSTANCE_REINSTALL of an OS whose script no node may run."""

import os
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pyganeti.model.enums import AdminState
from pyganeti.model.errors import ECode, OpExecError
from pyganeti.opcodes.instance import OpInstanceMultiAlloc, OpInstanceReinstall
from pyganeti.testing.cluster import SimCluster
from pyganeti.testing.unwinding import assert_unwinds
from pyganeti.wire.helper_words import NOTHING, Heard
from tests.sim.asserting import assert_refused, failed, fails
from tests.sim.instance.make_drbd import known
from tests.sim.instance.make_untrusted import (
    PORTS,
    add,
    communicating,
    guarded,
    put_os,
    write_endless,
    write_image,
)

REINSTALL = OpInstanceReinstall(instance_name="web1")


@pytest.fixture
def image(tmp_path: Path) -> str:
    return write_image(tmp_path)


@pytest.fixture
def endless(tmp_path: Path) -> str:
    return write_endless(tmp_path)


async def ready(image: str, **options: Any) -> SimCluster:  # Any: options of init
    """A cluster that can install the OS."""
    cluster = guarded(image, **options)
    await cluster.run(communicating())
    cluster.rpc_changes.clear()
    return cluster


def state(cluster: SimCluster) -> dict[str, object]:
    """The footprint, but for ports."""
    return {path: value for path, value in cluster.footprint().items() if path not in PORTS}


def steps(cluster: SimCluster) -> list[str]:
    """What was done to the guest, in order."""
    wanted = ("instance_install", "instance_os_add", "instance_start", "instance_shutdown")
    return [call for _, call in cluster.rpc_changes if call in wanted]


def copies(cluster: SimCluster) -> list[str]:
    """Copies of the image on the instance's node."""
    place = cluster.nodes["node1"].paths.helper_dir
    return os.listdir(place) if os.path.isdir(place) else []


def scripts(cluster: SimCluster) -> list[str]:
    """Scripts that were run on the node."""
    return [path for path in cluster.nodes["node1"].programs.paths() if "create" in path]


async def test_a_helper_installs_it_and_no_node_runs_the_script(image: str) -> None:
    cluster = await ready(image)
    job = await cluster.submit(add())
    await cluster.finished(known(job))
    assert steps(cluster) == ["instance_install", "instance_start"]
    assert scripts(cluster) == []
    assert copies(cluster) == []
    assert cluster.guest_states("web1") == {"node1": "running"}
    assert f"* they run in a helper that boots {image}" in cluster.log(job)
    assert not any("Warning" in line for line in cluster.log(job))


async def test_the_helper_has_the_image_first_and_one_nic(endless: str) -> None:
    cluster = await ready(endless)
    node = cluster.nodes["node1"]
    node.helper_says = NOTHING
    job = cluster.submit(add(start=False))
    while not cluster.guest_states("web1"):
        await cluster.clock.sleep(0.1)
    record = node.guests.get("web1")
    assert record is not None
    assert record.disks[1:] == cluster.instance("web1").disks
    assert len(record.nics) == 1
    assert record.nics[0] not in [(nic.uuid, nic.mac) for nic in cluster.instance("web1").nics]
    node.helper_says = Heard(asked=True, code=0)
    node.guests.remove("web1")
    await cluster.finished(job)
    assert cluster.guest_states("web1") == {}
    assert cluster.instance("web1").admin_state is AdminState.DOWN


async def test_with_a_script_for_nodes_too_that_one_is_run(image: str) -> None:
    cluster = guarded("")
    put_os(cluster.nodes["node1"].paths.rootdir + "/usr/lib/ganeti/os", "create")
    os.rename(
        cluster.nodes["node1"].paths.rootdir + "/usr/lib/ganeti/os/guarded",
        cluster.nodes["node1"].paths.rootdir + "/usr/lib/ganeti/os/both",
    )
    await cluster.run(add(os_type="both"))
    assert steps(cluster) == ["instance_os_add", "instance_start"]
    assert scripts(cluster)[-1].endswith("/both/create")


async def test_one_that_told_nothing_counts_as_done_and_the_log_says_so(endless: str) -> None:
    cluster = await ready(endless)
    node = cluster.nodes["node1"]
    node.helper_says = Heard(asked=True)
    submitted = cluster.submit(add())
    while not cluster.guest_states("web1"):
        await cluster.clock.sleep(0.1)
    record = node.guests.get("web1")
    assert record is not None
    node.guests.put(msgspec.structs.replace(record, ended=True))
    job = await submitted
    await cluster.finished(known(job))
    assert any("did not tell how the script went" in line for line in cluster.log(job))
    assert cluster.guest_states("web1") == {"node1": "running"}


async def test_one_that_crashed_without_a_word_fails(image: str) -> None:
    cluster = await ready(image)
    cluster.nodes["node1"].helper_says = Heard(asked=True)
    before = state(cluster)
    error = await fails(cluster, add())
    assert isinstance(error, OpExecError)
    assert "has crashed, or reset itself" in str(error)
    assert state(cluster) == before


async def test_a_script_that_failed_fails_the_job_without_its_secrets(endless: str) -> None:
    cluster = await ready(endless)
    said = "no space\nfor sesame"
    cluster.nodes["node1"].helper_says = Heard(asked=True, code=3, output=said)
    before = state(cluster)
    text = str(await fails(cluster, add(osparams_secret={"message": "sesame"})))
    assert "create_untrusted script failed (exit code 3)" in text
    assert "no space\nfor <redacted>" in text
    assert "sesame" not in text
    assert state(cluster) == before
    assert copies(cluster) == []


@pytest.mark.parametrize(
    ("said", "parameters", "text", "limit"),
    [
        (NOTHING, {}, "has not asked for its script within 300 s", 300),
        (NOTHING, {"helper_startup_timeout": 20}, "script within 20 s", 20),
        (Heard(asked=True), {}, "has not ended 7200 s after", 7200),
        (Heard(asked=True), {"helper_shutdown_timeout": 50}, "has not ended 50 s after", 50),
        (Heard(asked=True, code=0), {"helper_shutdown_timeout": 50}, "has not ended 50 s", 50),
    ],
)
async def test_one_that_takes_too_long_is_ended_and_nothing_is_left(
    endless: str, said: Heard, parameters: dict[str, int], text: str, limit: int
) -> None:
    cluster = await ready(endless)
    cluster.nodes["node1"].helper_says = said
    before, began = state(cluster), cluster.clock.monotonic()
    assert text in str(await fails(cluster, add(**parameters)))
    assert limit <= cluster.clock.monotonic() - began < limit + 60
    assert state(cluster) == before
    assert copies(cluster) == []


@pytest.mark.parametrize(
    ("parameters", "options", "code", "said"),
    [
        ({}, {"install_image": ""}, ECode.STATE, "--install-image"),
        ({"hypervisor": "fake"}, {}, ECode.STATE, "under kvm only"),
        ({"helper_startup_timeout": 0}, {}, ECode.INVAL, "helper_startup_timeout is 0"),
        ({"helper_shutdown_timeout": -5}, {}, ECode.INVAL, "helper_shutdown_timeout is -5"),
        ({}, {"install_image": "/nonexistent/i.img"}, ECode.ENVIRON, "install image /nonexistent"),
        (
            {},
            {"install_image": "http://user:sesame@127.0.0.1:1/i?token=sesame"},
            ECode.ENVIRON,
            "install image http://127.0.0.1:1/i: ",
        ),
        ({"beparams": {"memory": 9999999}, "start": False}, {}, ECode.NORES, "not enough memory"),
    ],
)
async def test_refuses_before_any_change(
    image: str, parameters: dict[str, Any], options: dict[str, Any], code: ECode, said: str
) -> None:
    wanted = {"enabled_hypervisors": ["kvm", "fake"], **options}
    cluster = await ready(**{"image": image, **wanted})
    op = add(ignore_ipolicy=True, **parameters)
    await assert_refused(cluster, op, code, said)
    assert "sesame" not in str(await fails(cluster, op))


async def test_refuses_without_a_network_to_ask_in(image: str) -> None:
    text = "--instance-communication-network"
    await assert_refused(guarded(image), add(), ECode.STATE, text)


async def test_without_installing_nothing_of_it_is_needed() -> None:
    cluster = guarded("")
    await cluster.run(add(no_install=True, start=False))
    assert steps(cluster) == []


async def test_a_reservation_needs_it_once_it_is_made_real(image: str) -> None:
    cluster = guarded(image)
    await cluster.run(add(forthcoming=True))
    await assert_refused(cluster, add(commit=True), ECode.STATE, "communication-network")
    await cluster.run(communicating())
    cluster.rpc_changes.clear()
    await cluster.run(add(commit=True))
    assert steps(cluster) == ["instance_install", "instance_start"]


async def test_several_at_once(image: str) -> None:
    cluster = await ready(image)
    wanted = (add(), add(instance_name="web2"))
    await cluster.run(OpInstanceMultiAlloc(instances=wanted))
    master = await cluster.master()
    await master.scheduler.idle()
    assert sorted(steps(cluster)) == ["instance_install"] * 2 + ["instance_start"] * 2


async def test_a_dry_run_says_where_it_would_run(image: str) -> None:
    cluster = await ready(image)
    job = await cluster.submit(add(dry_run=True))
    await cluster.finished(known(job))
    assert any("install guarded in a helper" in line for line in cluster.log(job))
    assert steps(cluster) == []


async def test_reinstalling(image: str) -> None:
    cluster = await ready(image)
    await cluster.run(add(start=False))
    before = state(cluster)
    cluster.rpc_changes.clear()
    await cluster.run(REINSTALL)
    assert steps(cluster) == ["instance_install"]
    assert state(cluster) == before


async def test_reinstalling_refuses_as_creating_does(image: str) -> None:
    cluster = guarded(image)
    await cluster.run(add(no_install=True, start=False))
    await assert_refused(cluster, REINSTALL, ECode.STATE, "communication-network")


async def test_creating_unwinds_from_every_fault_point(image: str) -> None:
    await assert_unwinds(lambda: guarded(image), add(), after=(communicating(),), keeps=PORTS)


async def test_creating_with_secrets_unwinds_from_every_fault_point(image: str) -> None:
    op = add(osparams_secret={"message": "sesame"}, start=False)
    await assert_unwinds(lambda: guarded(image), op, after=(communicating(),), keeps=PORTS)


async def test_reinstalling_unwinds_from_every_fault_point(image: str) -> None:
    after = (communicating(), add(start=False))
    await assert_unwinds(lambda: guarded(image), REINSTALL, after=after)


@pytest.mark.parametrize("code", [0, 1])
async def test_a_master_that_dies_meanwhile_is_followed_by_one_that_goes_on(
    endless: str, code: int
) -> None:
    cluster = await ready(endless)
    before = state(cluster)
    node = cluster.nodes["node1"]
    node.helper_says = Heard(asked=True)
    job = await cluster.submit(add())
    while not cluster.guest_states("web1"):
        await cluster.clock.sleep(0.1)
    await cluster.kill_master()
    await cluster.master()
    node.helper_says = Heard(asked=True, code=code)
    node.guests.remove("web1")
    if code:
        assert "failed (exit code 1)" in str(await failed(cluster, known(job)))
        assert state(cluster) == before
    else:
        await cluster.finished(known(job))
        assert cluster.guest_states("web1") == {"node1": "running"}
    assert copies(cluster) == []


async def test_with_secrets_it_is_unwound_when_the_master_dies(endless: str) -> None:
    cluster = await ready(endless)
    before = state(cluster)
    cluster.nodes["node1"].helper_says = Heard(asked=True)
    await cluster.submit(add(osparams_secret={"message": "sesame"}))
    while not cluster.guest_states("web1"):
        await cluster.clock.sleep(0.1)
    await cluster.kill_master()
    master = await cluster.master()
    await master.scheduler.idle()
    assert cluster.guest_states("web1") == {}
    assert state(cluster) == before
    assert copies(cluster) == []
    rows = cluster.backend.dump().contents.values()
    assert not any(b"sesame" in value for table in rows for value in table.values())


async def test_a_node_daemon_that_dies_meanwhile_fails_it_and_nothing_is_left(
    endless: str,
) -> None:
    cluster = await ready(endless)
    before = state(cluster)
    node = cluster.nodes["node1"]
    node.helper_says = Heard(asked=True)
    job = await cluster.submit(add())
    while not cluster.guest_states("web1"):
        await cluster.clock.sleep(0.1)
    await node.restart()
    await failed(cluster, known(job))
    assert cluster.guest_states("web1") == {}
    assert state(cluster) == before
    assert copies(cluster) == []
