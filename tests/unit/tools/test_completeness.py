"""Every tool of the facts is built, refused with a reason, or pending with its issue."""

import importlib
import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
FACTS: dict[str, Any] = json.loads((ROOT / "tests" / "spec" / "tools.json").read_text("utf-8"))
SCRIPTS: dict[str, str] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"][
    "scripts"
]
PENDING = tomllib.loads((ROOT / "tests" / "spec" / "pending.toml").read_text("utf-8"))["pending"]
# They stand in docs/differences.md with the reason.
REFUSED = {"cfgupgrade12", "cluster-merge"}


def test_every_tool_is_built_refused_or_pending() -> None:
    tools = set(FACTS["admin_tools"])
    pending = {entry["name"] for entry in PENDING if entry["kind"] == "tool"}
    built = tools & SCRIPTS.keys()
    assert tools == built | REFUSED | pending
    assert built.isdisjoint(REFUSED | pending)
    assert REFUSED.isdisjoint(pending)


@pytest.mark.parametrize("tool", sorted(REFUSED))
def test_what_is_refused_is_told_with_the_reason(tool: str) -> None:
    assert f"`{tool}`" in (ROOT / "docs" / "differences.md").read_text("utf-8")


@pytest.mark.parametrize("name", sorted(SCRIPTS))
def test_every_program_is_there(name: str) -> None:
    module, _, function = SCRIPTS[name].partition(":")
    assert callable(getattr(importlib.import_module(module), function))


@pytest.mark.parametrize("name", sorted(SCRIPTS))
def test_every_program_is_described(name: str) -> None:
    pages = ROOT / "docs" / "man"
    own, shared = pages / f"{name}.rst", (pages / "ganeti-tools.rst").read_text("utf-8")
    assert own.exists() or f"``{name}``\n" in shared
