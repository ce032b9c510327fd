"""Every opcode is declared as the table of facts says."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import NODEFAULT

from pyganeti.opcodes.base import Opcode
from pyganeti.opcodes.codec import decode, encode
from pyganeti.opcodes.registry import BY_ID, OPCODES

SPEC: dict[str, Any] = json.loads((Path(__file__).parents[2] / "spec" / "opcodes.json").read_text())
FACTS = {name: facts for name, facts in SPEC.items() if not name.startswith("_")}

# One acceptable value for each type of a required parameter.
EXAMPLES = {
    "AnyList": [],
    "Bool": True,
    "DiskIndex": 0,
    "Double": 1.5,
    "EvacMode": "all",
    "ExportMode": "local",
    "ExportTarget": "node2",
    "IAllocatorMode": "allocate",
    "IAllocatorTestDir": "in",
    "IPv4Network": "192.0.2.0/24",
    "InstCreateMode": "create",
    "Int": 1,
    "ListOf(IDiskParams)": [{"size": 1024}],
    "ListOf(INicParams)": [{"mac": "auto", "ip": None}],
    "ListOf(NonEmptyString)": ["a"],
    "ListOf(String)": ["a"],
    "NICMode": "bridged",
    "NonEmptyString": "a",
    "NonNegative(Int)": 1,
    "Object(Any)": {},
    "OobCommand": "health",
    "QueryTypeOp": "os",
    "RebootType": "hard",
    "ReplaceDisksMode": "replace_auto",
    "StorageType": "file",
    "String": "a",
    "TagKind": "node",
}


def default(field: msgspec.structs.FieldInfo) -> object:
    """A field's default as JSON has it."""
    if field.default_factory is not NODEFAULT:
        return field.default_factory()
    value = field.default
    return list(value) if isinstance(value, tuple) else value


def wanted(facts: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Parameters by name, as of 3.1."""
    every = [*SPEC["_common_params"], *facts["params"]]
    return {p["name"]: p for p in every if p.get("removed_in") != "3.1"}


def test_registry_is_complete_and_alphabetical() -> None:
    assert set(BY_ID) == set(FACTS)
    names = [cls.__name__ for cls in OPCODES]
    assert names == sorted(names)
    assert {cls.op_id(): cls.__name__ for cls in OPCODES} == {
        op_id: facts["class"] for op_id, facts in FACTS.items()
    }


@pytest.mark.parametrize("op_id", sorted(FACTS))
def test_parameters_are_those_of_the_table(op_id: str) -> None:
    params = wanted(FACTS[op_id])
    fields = {field.encode_name: field for field in msgspec.structs.fields(BY_ID[op_id])}
    assert set(fields) == set(params)
    for name, field in fields.items():
        assert field.required == params[name]["required"], name
        if not field.required:
            assert default(field) == params[name]["default"], name


@pytest.mark.parametrize("op_id", sorted(FACTS))
def test_summary_field_is_that_of_the_table(op_id: str) -> None:
    assert FACTS[op_id]["summary_field"] == BY_ID[op_id].SUMMARY_FIELD


def minimal(op_id: str) -> dict[str, Any]:
    """An opcode with its required parameters only."""
    return {"OP_ID": op_id} | {
        name: EXAMPLES[param["type"]]
        for name, param in wanted(FACTS[op_id]).items()
        if param["required"]
    }


@pytest.mark.parametrize("op_id", sorted(FACTS))
def test_the_required_parameters_suffice_and_survive(op_id: str) -> None:
    op = decode(minimal(op_id))
    assert isinstance(op, Opcode)
    data = encode(op)
    assert data["OP_ID"] == op_id
    assert set(data) == set(wanted(FACTS[op_id])) | {"OP_ID"}
    assert decode(json.loads(msgspec.json.encode(data))) == op


# What Ganeti cannot say: no NICs, though the export that is imported has some.
NULL_TOO = {("OP_INSTANCE_CREATE", "nics")}


@pytest.mark.parametrize("op_id", sorted(FACTS))
def test_null_is_accepted_exactly_where_the_table_says(op_id: str) -> None:
    for name, param in wanted(FACTS[op_id]).items():
        data = {**minimal(op_id), name: None}
        nullable = param["type"].startswith("Maybe") or param["type"] == "Any"
        if nullable or (op_id, name) in NULL_TOO:
            decode(data)
        else:
            with pytest.raises(Exception, match=rf"{op_id}: parameter '{name}'"):
                decode(data)
