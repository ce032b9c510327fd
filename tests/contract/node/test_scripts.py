"""Scripts that really run: OS definitions and hooks."""

import asyncio
import os
import traceback
from pathlib import Path

import msgspec
import pytest

from pyganeti.kit.clock import LoopClock, SystemClock
from pyganeti.kit.process import is_alive, run
from pyganeti.model.errors import HooksFailure, InvalidOS, OpExecError
from pyganeti.node.hooks import HookRunner
from pyganeti.node.hypervisor.base import GuestDisk
from pyganeti.node.os.scripts import OsScripts
from pyganeti.wire.noderpc.specs import (
    DiskSpec,
    InstanceSpec,
)
from pyganeti.wire.noderpc.types import HookOutcome

SECRET = "hunter2-hunter2"
INSTANCE = InstanceSpec(
    name="web1",
    uuid="u",
    primary_node="n",
    hypervisor="fake",
    os="deb+small",
    osparams={"dhcp": "no"},
    osparams_private={"password": SECRET},
)


def script(path: Path, text: str, mode: int = 0o755) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(mode)


@pytest.fixture
def oses(tmp_path: Path) -> OsScripts:
    os_dir = tmp_path / "os" / "deb"
    for name in ("create", "export", "import", "rename", "verify"):
        script(os_dir / name, "exit 0")
    (os_dir / "ganeti_api_version").write_text("20\n")
    (os_dir / "variants.list").write_text("small\n")
    (os_dir / "parameters.list").write_text("dhcp whether\npassword which\n")
    return OsScripts((str(tmp_path / "os"),), str(tmp_path / "log"), LoopClock())


def disk(tmp_path: Path) -> GuestDisk:
    spec = DiskSpec(dev_type="file", logical_id=("loop", "/x"), size=1)
    return GuestDisk(spec, str(tmp_path / "image"))


def logs(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "log").iterdir())


async def test_creation_writes_a_log_of_its_own(oses: OsScripts, tmp_path: Path) -> None:
    create = 'echo "to $DISK_0_PATH" >&2; echo "$INSTANCE_REINSTALL" > $DISK_0_PATH'
    script(tmp_path / "os" / "deb" / "create", create)
    for reinstall in (False, True):
        await oses.create(INSTANCE, (disk(tmp_path),), run, reinstall=reinstall, debug=0)
    assert [path.read_text() for path in logs(tmp_path)] == [f"to {tmp_path}/image\n"] * 2
    assert (tmp_path / "image").read_text() == "1\n"
    assert all(path.name.startswith("add-deb+small-web1-") for path in logs(tmp_path))


async def test_a_rename_gets_the_old_name_and_writes_a_log_of_its_own(
    oses: OsScripts, tmp_path: Path
) -> None:
    script(tmp_path / "os" / "deb" / "rename", 'echo "$OLD_INSTANCE_NAME $INSTANCE_NAME"')
    await oses.rename(INSTANCE, (disk(tmp_path),), run, "old1", debug=0)
    (log,) = logs(tmp_path)
    assert log.name.startswith("rename-deb+small-old1-web1-")
    assert log.read_text() == "old1 web1\n"


async def test_a_failed_creation_names_its_log_and_keeps_secrets(
    oses: OsScripts, tmp_path: Path
) -> None:
    script(
        tmp_path / "os" / "deb" / "create", 'echo "no mirror" >&2; test -n "$OSP_PASSWORD"; exit 7'
    )
    with pytest.raises(OpExecError) as failed:
        await oses.create(INSTANCE, (disk(tmp_path),), run, reinstall=False, debug=0)
    text = str(failed.value)
    assert "no mirror" in text
    assert "exit code 7" in text
    assert str(logs(tmp_path)[0]) in text
    assert SECRET not in text + logs(tmp_path)[0].read_text()


async def test_a_script_that_shows_secrets_shows_them_to_nobody(
    oses: OsScripts, tmp_path: Path
) -> None:
    # Controls, and more than one read of the log.
    show = 'set -x; echo "use $OSP_PASSWORD"; head -c 3000000 /dev/zero; printf "\\033[2J"; exit 7'
    script(tmp_path / "os" / "deb" / "create", show)
    with pytest.raises(OpExecError) as failed:
        await oses.create(INSTANCE, (disk(tmp_path),), run, reinstall=False, debug=0)
    (log,) = logs(tmp_path)
    kept = log.read_bytes()
    assert SECRET.encode() not in kept
    assert b"use <redacted>\n" in kept
    assert kept.count(b"\0") == 3_000_000
    assert log.stat().st_mode & 0o777 == 0o600
    assert "\\x00\\x00" in str(failed.value)
    assert "\\x1b[2J" in str(failed.value)
    assert str(failed.value).replace("\n", "").isprintable()
    assert len(str(failed.value)) < 5000


async def test_what_a_script_leaves_in_the_background_is_ended(
    oses: OsScripts, tmp_path: Path
) -> None:
    script(tmp_path / "os" / "deb" / "create", f"sleep 1000 & echo $! > {tmp_path}/pid")
    async with asyncio.timeout(60):
        await oses.create(INSTANCE, (disk(tmp_path),), run, reinstall=False, debug=0)
    pid, clock = int((tmp_path / "pid").read_text()), SystemClock()
    deadline = clock.monotonic() + 30
    while is_alive(pid) and clock.monotonic() < deadline:
        await clock.sleep(0.01)
    assert not is_alive(pid)


async def test_a_script_that_fills_its_log_is_ended(oses: OsScripts, tmp_path: Path) -> None:
    script(tmp_path / "os" / "deb" / "create", "exec cat /dev/zero")
    with pytest.raises(OpExecError, match="wrote more than 16 MiB, killed") as failed:
        await oses.create(INSTANCE, (disk(tmp_path),), run, reinstall=False, debug=0)
    (log,) = logs(tmp_path)
    assert log.stat().st_size <= 16 << 20
    assert len(str(failed.value)) < 5000


async def test_a_verify_script_that_writes_without_end_is_ended(
    oses: OsScripts, tmp_path: Path
) -> None:
    script(tmp_path / "os" / "deb" / "verify", "exec cat /dev/zero")
    with pytest.raises(InvalidOS, match="wrote more than 16 MiB, killed"):
        await oses.validate(
            "deb+small",
            ("parameters",),
            {"dhcp": "no"},
            {},
            run,
            required=True,
            force_variant=False,
        )


async def test_values_reach_scripts_as_they_are(oses: OsScripts, tmp_path: Path) -> None:
    hostile = f"$(touch {tmp_path}/bad) `id`; \"'\n\x1b[2J"
    script(tmp_path / "os" / "deb" / "create", 'printf %s "$OSP_DHCP$DISK_0_NAME" > $DISK_0_PATH')
    spec = DiskSpec(dev_type="file", logical_id=("loop", "/x"), size=1, name=hostile)
    named = msgspec.structs.replace(INSTANCE, osparams={"dhcp": hostile})
    image = GuestDisk(spec, str(tmp_path / "image"))
    await oses.create(named, (image,), run, reinstall=False, debug=0)
    assert (tmp_path / "image").read_text() == hostile * 2
    assert not (tmp_path / "bad").exists()


async def test_a_log_that_went_well_keeps_no_secret_either(oses: OsScripts, tmp_path: Path) -> None:
    script(tmp_path / "os" / "deb" / "create", "env")
    await oses.create(INSTANCE, (disk(tmp_path),), run, reinstall=False, debug=0)
    assert "OSP_PASSWORD=<redacted>\n" in logs(tmp_path)[0].read_text()


async def test_verify_shows_no_secret_even_where_its_text_is_cut(
    oses: OsScripts, tmp_path: Path
) -> None:
    refusal = 'echo "$OSP_PASSWORD"; head -c 390 /dev/zero | tr "\\0" x; exit 1'
    script(tmp_path / "os" / "deb" / "verify", refusal)
    with pytest.raises(InvalidOS) as refused:
        await oses.validate(
            "deb+small",
            ("parameters",),
            {"dhcp": "no"},
            {"password": SECRET},
            run,
            required=True,
            force_variant=False,
        )
    text = "".join(traceback.format_exception(refused.value))
    assert "exit code 1: " in text
    assert "xxx" in text
    assert SECRET[-6:] not in text


async def test_verify_says_why_it_refuses(oses: OsScripts, tmp_path: Path) -> None:
    refusal = 'test "$1" = parameters || exit 3; echo "dhcp must be yes, not $OSP_DHCP" >&2; exit 1'
    script(tmp_path / "os" / "deb" / "verify", refusal)
    with pytest.raises(InvalidOS, match="dhcp must be yes, not no"):
        await oses.validate(
            "deb+small",
            ("parameters",),
            {"dhcp": "no"},
            {},
            run,
            required=True,
            force_variant=False,
        )


async def test_parameters_must_be_declared(oses: OsScripts) -> None:
    with pytest.raises(InvalidOS, match="has no parameters color"):
        await oses.validate(
            "deb+small",
            ("parameters",),
            {"color": "x"},
            {},
            run,
            required=True,
            force_variant=False,
        )


async def test_a_missing_os_matters_only_when_required(oses: OsScripts) -> None:
    assert not await oses.validate("x", (), {}, {}, run, required=False, force_variant=False)
    with pytest.raises(InvalidOS, match="'x' not found"):
        await oses.validate("x", (), {}, {}, run, required=True, force_variant=False)


async def test_hooks_run_in_order_with_exactly_their_environment(tmp_path: Path) -> None:
    hooks = tmp_path / "instance-start-pre.d"
    script(hooks / "20-second", "env | sort; exit 0")
    script(hooks / "10-first", "echo broken >&2; exit 1")
    script(hooks / "30-plain", "exit 0", mode=0o644)
    script(hooks / "40.bak", "exit 0")
    results = await HookRunner(str(tmp_path), os.geteuid()).run(
        "instance-start", "pre", {"GANETI_X": "1"}, run
    )
    assert [(one.script, one.outcome) for one in results] == [
        ("instance-start-pre.d/10-first", HookOutcome.FAIL),
        ("instance-start-pre.d/20-second", HookOutcome.SUCCESS),
        ("instance-start-pre.d/30-plain", HookOutcome.SKIP),
        ("instance-start-pre.d/40.bak", HookOutcome.SKIP),
    ]
    assert results[0].output == "broken"
    seen = {line.partition("=")[0] for line in results[1].output.splitlines()}
    assert seen - {"PWD", "_", "SHLVL", "OLDPWD"} == {"GANETI_X", "PATH"}


async def test_hooks_get_names_and_tags_as_they_are(tmp_path: Path) -> None:
    tags = "a$(id) `id`;b"
    script(tmp_path / "instance-start-pre.d" / "10-show", 'printf %s "$GANETI_INSTANCE_TAGS"')
    env = {"GANETI_INSTANCE_TAGS": tags}
    (result,) = await HookRunner(str(tmp_path), os.geteuid()).run("instance-start", "pre", env, run)
    assert result.output == tags


async def test_a_hook_without_directory_has_no_scripts(tmp_path: Path) -> None:
    assert await HookRunner(str(tmp_path), os.geteuid()).run("node-add", "post", {}, run) == ()


@pytest.mark.parametrize(("name", "phase"), [("../x", "pre"), ("node-add", "during"), ("", "pre")])
async def test_other_directories_are_not_run(tmp_path: Path, name: str, phase: str) -> None:
    with pytest.raises(HooksFailure):
        await HookRunner(str(tmp_path), os.geteuid()).run(name, phase, {}, run)


@pytest.mark.parametrize(
    ("where", "mode"),
    [
        ("hooks/node-add-pre.d/10-good", 0o775),
        ("hooks/node-add-pre.d/10-good", 0o757),
        ("hooks/node-add-pre.d", 0o775),
        ("hooks/node-add-pre.d", 0o1777),
        ("hooks", 0o777),
        ("elsewhere/20-program", 0o757),
        ("elsewhere", 0o757),
    ],
)
async def test_hooks_that_others_could_change_fail_and_are_not_run(
    tmp_path: Path, where: str, mode: int
) -> None:
    hooks = tmp_path / "hooks" / "node-add-pre.d"
    hooks.mkdir(parents=True)
    touch = f"touch {tmp_path}/was-run"
    if where.startswith("hooks"):
        script(hooks / "10-good", touch)
    else:
        script(tmp_path / "elsewhere" / "20-program", touch)
        os.symlink("../../elsewhere/20-program", hooks / "20-link")
    (tmp_path / where).chmod(mode)
    runner = HookRunner(str(tmp_path / "hooks"), os.geteuid())
    (result,) = await runner.run("node-add", "pre", {}, run)
    assert result.outcome is HookOutcome.FAIL
    assert result.output.startswith("not run: ")
    assert result.output.endswith(f"{where} can be changed by others")
    assert not (tmp_path / "was-run").exists()


async def test_hooks_of_other_users_fail_and_are_not_run(tmp_path: Path) -> None:
    script(tmp_path / "hooks" / "node-add-pre.d" / "10-good", f"touch {tmp_path}/was-run")
    runner = HookRunner(str(tmp_path / "hooks"), os.geteuid() + 1)
    (result,) = await runner.run("node-add", "pre", {}, run)
    assert result.outcome is HookOutcome.FAIL
    assert "belongs to user" in result.output
    assert not (tmp_path / "was-run").exists()
