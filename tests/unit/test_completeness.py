"""What is promised is built and tested, or stands in ``pending.toml`` with its issue."""

import ast
import inspect
import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pyganeti.master.lu.base import LogicalUnit
from pyganeti.master.lu.cluster.set_params import settings
from pyganeti.master.lu.registry import LOGICAL_UNITS
from pyganeti.master.luxi import LuxiMethods
from pyganeti.opcodes.cluster import OpClusterSetParams
from pyganeti.opcodes.registry import OPCODES

TESTS = Path(__file__).parents[1]
SOURCE = TESTS.parent / "src" / "pyganeti"
PENDING: list[dict[str, Any]] = tomllib.loads((TESTS / "spec" / "pending.toml").read_text())[
    "pending"
]
LUXI: dict[str, Any] = json.loads((TESTS / "spec" / "protocols.json").read_text())["luxi"]

# Issues that bring what is pending.
ISSUES = {4, 5, 6, 7}

# Logical Units that change nothing, neither on a node nor in the configuration.
READS = {
    "OpClusterConfigQuery": "answers",
    "OpClusterQuery": "answers",
    "OpClusterRedistConf": "sends again what nodes have anyway; tested after a crash",
    "OpClusterVerify": "submits jobs, which check",
    "OpClusterVerifyConfig": "compares",
    "OpClusterVerifyDisks": "submits jobs, which look",
    "OpGroupEvacuate": "submits jobs, which move",
    "OpGroupVerifyDisks": "looks",
    "OpInstanceChangeGroup": "submits jobs, which move",
    "OpInstanceConsole": "answers",
    "OpInstanceMultiAlloc": "submits jobs, which create",
    "OpInstanceQueryData": "answers",
    "OpExtStorageDiagnose": "answers",
    "OpNodeEvacuate": "submits jobs, which move",
    "OpNodeQueryStorage": "looks",
    "OpNodeQueryvols": "looks",
    "OpOsDiagnose": "answers",
    "OpRestrictedCommand": "runs what administrators allow, which nothing can undo",
    "OpQuery": "answers",
    "OpQueryFields": "answers",
    "OpTagsGet": "answers",
    "OpTagsSearch": "answers",
    "OpTestAllocator": "asks an allocator",
    "OpTestDummy": "answers, and submits jobs",
    "OpTestJqueue": "tells a client what it does",
    "OpTestOsParams": "answers",
}

# Opcodes of which no command asks by itself.
INTERNAL = {
    "OP_BACKUP_PREPARE": "asked by move-instance over REST",
    "OP_CLUSTER_CONFIG_QUERY": "asked by programs; commands use QueryConfigValues",
    "OP_CLUSTER_QUERY": "asked by programs; commands use QueryClusterInfo",
    "OP_CLUSTER_VERIFY_CONFIG": "submitted by OP_CLUSTER_VERIFY",
    "OP_CLUSTER_VERIFY_GROUP": "submitted by OP_CLUSTER_VERIFY",
    "OP_INSTANCE_CONSOLE": "asked by programs; the command asks the field console",
    "OP_GROUP_VERIFY_DISKS": "submitted by OP_CLUSTER_VERIFY_DISKS",
    "OP_QUERY": "asked by programs; commands use Query, or diagnose OSes",
    "OP_QUERY_FIELDS": "asked by programs",
    "OP_TAGS_GET": "commands ask the query QueryTags",
    "OP_TEST_DUMMY": "for gnt-debug submit-job",
}


def pending(kind: str) -> set[str]:
    return {entry["name"] for entry in PENDING if entry["kind"] == kind}


def pending_parameters(op_id: str) -> set[str]:
    """Names of an opcode's pending parameters; of some only a value is (``mode=import``)."""
    entries = (entry.partition(" ") for entry in pending("parameter"))
    return {name.partition("=")[0] for owner, _, name in entries if owner == op_id}


def test_every_entry_is_there_once_and_names_an_open_issue() -> None:
    names = [(entry["kind"], entry["name"]) for entry in PENDING]
    assert len(names) == len(set(names))
    assert {entry["issue"] for entry in PENDING} <= ISSUES


def test_every_opcode_has_a_logical_unit_or_is_pending() -> None:
    built = {op.op_id() for op in LOGICAL_UNITS}
    assert pending("opcode") == {op.op_id() for op in OPCODES} - built


# Where the master refuses what is not built, and what holds it to the list.
REFUSALS = {
    "master/lu/cluster/set_params/operation.py": "tests below",
    "master/disks/new.py": "disk templates: tests/sim/test_pending.py",
}


def test_nothing_else_refuses_as_not_built() -> None:
    places = {
        str(path.relative_to(SOURCE))
        for path in (SOURCE / "master").rglob("*.py")
        if 'not built yet"' in path.read_text(encoding="utf-8")
    }
    assert places == REFUSALS.keys()


def test_parameters_of_cluster_modify_are_built_or_pending() -> None:
    names = set(OpClusterSetParams.__struct_fields__)
    assert names >= settings.BUILT
    assert pending_parameters("OP_CLUSTER_SET_PARAMS") == names - settings.BUILT


def test_logical_units_are_registered_by_their_names() -> None:
    names = [(op.__name__, type(lu).__name__) for op, lu in LOGICAL_UNITS.items()]
    assert names == [(name, name.replace("Op", "LU", 1)) for name, _ in names]
    assert names == sorted(names)


# --- every Logical Unit is tested at its fault points


def _names(node: ast.AST) -> Iterator[str]:
    for part in ast.walk(node):
        if isinstance(part, ast.Name):
            yield part.id


class _Module:
    """What names of a test module stand for, as far as opcodes are concerned."""

    def __init__(self, path: Path) -> None:
        self.tree = ast.parse(path.read_text(encoding="utf-8"))
        self._means: dict[str, set[str]] = {}
        for node in self.tree.body:
            match node:
                case ast.ImportFrom(module=str(module)) if module.startswith("tests.sim."):
                    source = TESTS.parent / f"{module.replace('.', '/')}.py"
                    if source.exists():  # else a package, of which a module is imported
                        self._means |= _Module(source)._means
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    self._means[name] = set(_names(value))
                case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                    self._means[name] = set(_names(value))
                case ast.FunctionDef(name=name):
                    self._means[name] = set(_names(node))

    def opcodes(self, names: set[str]) -> set[str]:
        """The opcodes that ``names`` lead to."""
        seen: set[str] = set()
        while names:
            name = names.pop()
            if name not in seen:
                seen.add(name)
                names |= self._means.get(name, set())
        return {name for name in seen if name.startswith("Op")}

    def under_faults(self) -> set[str]:
        """Opcodes that are handed to the checks of :mod:`pyganeti.testing.unwinding`."""
        found: set[str] = set()
        for test in ast.walk(self.tree):
            if not isinstance(test, ast.AsyncFunctionDef):
                continue
            for call in ast.walk(test):
                match call:
                    case ast.Call(func=ast.Name(id="assert_unwinds" | "assert_repeatable")):
                        # The operation is the second argument; what comes before it is not tested.
                        names = set(_names(call.args[1]))
                        if names & {argument.arg for argument in test.args.args}:
                            for decorator in test.decorator_list:
                                names |= set(_names(decorator))
                        found |= self.opcodes(names)
        return found


def test_every_logical_unit_is_tested_at_its_fault_points() -> None:
    tested: set[str] = set()
    for path in sorted((TESTS / "sim").rglob("test_*.py")):
        tested |= _Module(path).under_faults()
    wanted = {op.__name__ for op in LOGICAL_UNITS} - READS.keys()
    assert wanted - tested == set()


@pytest.mark.parametrize("op", LOGICAL_UNITS, ids=lambda op: op.__name__)
def test_every_logical_unit_has_tests_in_the_place_for_them(op: type[Any]) -> None:
    noun = type(LOGICAL_UNITS[op]).__module__.removeprefix("pyganeti.master.lu.").split(".")[0]
    texts = [path.read_text() for path in (TESTS / "sim" / noun).glob("*.py")]
    assert any(op.__name__ in text for text in texts), f"no test of {op.__name__} in sim/{noun}"


@pytest.mark.parametrize("op", LOGICAL_UNITS, ids=lambda op: op.__name__)
def test_every_logical_unit_that_changes_something_tells_a_dry_run_what(op: type[Any]) -> None:
    tells = type(LOGICAL_UNITS[op]).outline is not LogicalUnit.outline
    assert tells or op.__name__ in READS


# --- every Logical Unit can be reached


def test_every_logical_unit_is_reachable_from_a_command_or_internal() -> None:
    commands = "\n".join(path.read_text() for path in (SOURCE / "cli").rglob("*.py"))
    bootstrap = (SOURCE / "master" / "bootstrap.py").read_text()
    for op in LOGICAL_UNITS:
        name = op.op_id()
        called = f'"{name}"' in commands or name in bootstrap or op.__name__ in bootstrap
        assert called != (name in INTERNAL), name


# --- LUXI

# Methods that Ganeti does not have: docs/design/0007-luxi.md.
OUR_LUXI = {"QueryMeasures", "WaitForEvents"}


def _ours() -> dict[str, int]:
    methods = inspect.getmembers(LuxiMethods, inspect.isfunction)
    return {
        name: len(inspect.signature(method).parameters) - 1
        for name, method in methods
        if name[0].isupper()
    }


def test_luxi_has_the_methods_of_the_facts() -> None:
    theirs = {method["method"] for method in LUXI["methods"]}
    assert set(_ours()) - OUR_LUXI == theirs - pending("luxi")
    assert not OUR_LUXI & theirs
    assert pending("luxi") <= theirs


def test_luxi_methods_take_the_arguments_of_the_facts() -> None:
    theirs = {method["method"]: len(method["args"]) for method in LUXI["methods"]}
    ours = {name: count for name, count in _ours().items() if name not in OUR_LUXI}
    assert {name: theirs[name] for name in ours} == ours
