"""What the Debian package consists of, against the facts; e2e tests build and install it."""

import json
import sys
import tomllib
from pathlib import Path

from pyganeti.kit.paths import Paths
from pyganeti.kit.process import Command, run_blocking
from pyganeti.tools.layout import DIRECTORIES, GROUPS, USERS
from pyganeti.tools.services import SERVICES, find_service
from tools.deb.completion import TOOLS, completion
from tools.deb.edition import OWN
from tools.deb.programs import DEFAULT, TOP, VERSION_LINK, links, place, script, scripts
from tools.deb.tree import CONFFILES, PACKAGING, add_links, add_programs, add_settings
from tools.deb.units import unit
from tools.deb.wheels import BUILD_ONLY, REQUIREMENTS, bundled
from tools.machine import CHECKOUT

FACTS = json.loads((CHECKOUT / "tests/spec/tools.json").read_text())
LAYOUT = json.loads((CHECKOUT / "tests/spec/layout.json").read_text())
# Debian has them beside the helpers or the commands.
ELSEWHERE = {"check-cert-expired", "ganeti-listrunner", "mon-collector"}


def test_programs_are_where_others_look_for_them() -> None:
    for name in scripts():
        if name in FACTS["daemons"] or name in FACTS["cron_tools"]:
            assert place(name) == f"usr/sbin/{name}"
        if name in FACTS["admin_tools"] and name not in ELSEWHERE:
            assert place(name) == f"usr/lib/ganeti/tools/{name}"
        if name in FACTS["internal_helpers"]:
            assert place(name) == f"usr/lib/ganeti/{name}"
    assert place("gnt-node") == "usr/sbin/gnt-node"
    assert place("ganeti-listrunner") == "usr/sbin/ganeti-listrunner"
    assert place("hbal") == "usr/bin/hbal"
    assert links({"hail": "x:y"}) == {
        "usr/bin/hail": "hail", "usr/lib/ganeti/iallocators/hail": "hail"
    }  # fmt: skip


def test_links_lead_to_programs(tmp_path: Path) -> None:
    add_programs(tmp_path, OWN)
    add_links(tmp_path)
    (tmp_path / DEFAULT).symlink_to(OWN.minor)
    for path in links(scripts()):
        target = (tmp_path / path).resolve()
        assert target.is_file()
        assert target.stat().st_mode & 0o111 == 0o111
        assert target.read_text().startswith(f"#!/usr/lib/pyganeti/{OWN.minor}/bin/python3 -I\n")


def test_the_version_is_chosen_where_gnt_cluster_upgrade_does_it() -> None:
    paths = Paths()
    assert paths.version_link == VERSION_LINK
    assert paths.versions_dir == f"/{TOP}"
    for script_name in ("postinst", "postrm"):
        assert VERSION_LINK in (PACKAGING / "deb/commands" / script_name).read_text()


def test_a_program_does_not_listen_to_the_environment(tmp_path: Path) -> None:
    (tmp_path / "sys.py").write_text("raise SystemError")
    (tmp_path / "pyganeti.py").write_text("raise SystemError")
    path = tmp_path / "program"
    path.write_text(script("pyganeti.tools.layout:main", "3.1"))
    env = {"PYTHONPATH": str(tmp_path), "PYTHONSTARTUP": str(tmp_path / "sys.py")}
    argv = (sys.executable, "-I", str(path), "--help")
    run_blocking(Command(argv, env=env, cwd=str(tmp_path)))


def test_each_daemon_has_a_unit_and_its_settings(tmp_path: Path) -> None:
    add_settings(tmp_path)
    units = tmp_path / "lib/systemd/system"
    built = [service for service in SERVICES if service.name in scripts()]
    settings = (tmp_path / "etc/default/ganeti").read_text()
    for service in built:
        text = (units / f"{service.name}.service").read_text()
        assert f"User={USERS[service.role]}\n" in text
        for word in text.split("ExecStart=/")[1].splitlines()[0].split()[2:-1]:
            assert f'{word.removeprefix("$")}="' in settings
    for name in ("ganeti-luxid", "ganeti-wconfd"):
        assert (units / f"{name}.service").resolve().name == "ganeti-masterd.service"
    for path in CONFFILES:
        assert (tmp_path / path).is_file()


def test_units_of_the_node_daemon_end_no_guest() -> None:
    noded, masterd = find_service("ganeti-noded"), find_service("ganeti-masterd")
    assert noded is not None
    assert masterd is not None
    lines = unit(noded).splitlines()
    assert {"KillMode=process", "OOMPolicy=continue", "User=root"} <= set(lines)
    assert "SuccessExitStatus=11" in unit(masterd).splitlines()


def test_every_command_completes_its_options() -> None:
    for noun in TOOLS:
        text = completion(f"gnt-{noun}")
        run_blocking(Command(("bash", "-n"), stdin=text.encode()))
    assert "--no-ssh-key-check" in completion("gnt-node")


def complete(root: Path, *words: str) -> list[str]:
    """What bash offers for the last word of a command."""
    (root / "completion").write_text(completion(words[0]))
    program = (
        f'. {root}/completion; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1));'
        f" _{words[0].replace('-', '_')}; echo ${{COMPREPLY[*]}}"
    )
    env = {"GANETI_ROOTDIR": str(root), "PATH": "/usr/bin:/bin"}
    done = run_blocking(Command(("bash", "-c", program, "bash", *words), env=env))
    return done.stdout.split()


def test_names_are_completed_from_what_the_node_knows(tmp_path: Path) -> None:
    place = tmp_path / "var/lib/ganeti"
    place.mkdir(parents=True)
    (place / "ssconf_node_list").write_text("node1\nnode2\nother\n")
    (place / "ssconf_nodegroups").write_text("11-22 default\n33-44 rack2\n")
    assert complete(tmp_path, "gnt-node", "info", "no") == ["node1", "node2"]
    assert complete(tmp_path, "gnt-group", "list", "ra") == ["rack2"]
    assert complete(tmp_path, "gnt-cluster", "ver") == ["verify", "verify-disks", "version"]
    assert complete(tmp_path, "gnt-cluster", "info", "--ro") == ["--roman"]


def test_what_runs_on_a_node_is_bundled() -> None:
    names = set(bundled(REQUIREMENTS.read_text()))
    wanted = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    for line in (*wanted["dependencies"], *wanted["optional-dependencies"]["fast"]):
        assert line.partition(">")[0].replace(".", "-") in names
    assert not names & BUILD_ONLY
    assert "hash=" in bundled(REQUIREMENTS.read_text())["msgspec"]


def test_maintainer_scripts_are_shell_and_know_all_users() -> None:
    for path in (PACKAGING / "deb").glob("*/p*"):
        run_blocking(Command(("sh", "-n", str(path))))
    for name in {*USERS.values(), *GROUPS.values()} - {"root"}:
        for script_name in ("postinst", "postrm"):
            assert name in (PACKAGING / "deb/commands" / script_name).read_text()


def test_every_directory_of_the_facts_is_made() -> None:
    ours = {entry.path for entry in DIRECTORIES}
    wanted = {
        fact["path"].replace("{localstatedir}", "/var")
        for fact in LAYOUT["entries"]
        if fact["kind"] == "directory"
    }
    assert wanted <= ours
