"""docs/security.md promises nothing without a test."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
PAGE = (TESTS.parent / "docs" / "security.md").read_text("utf-8")
NAMED = re.findall(r"`tests/([\w/]+\.py)::(\w+)`", PAGE)


@cache
def functions(path: str) -> frozenset[str]:
    tree = ast.parse((TESTS / path).read_text("utf-8"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(node.name for node in tree.body if isinstance(node, kinds))


@pytest.mark.parametrize(("path", "name"), NAMED)
def test_every_named_test_is_there(path: str, name: str) -> None:
    assert name.startswith("test_")
    assert name in functions(path)


def test_every_promise_names_one() -> None:
    sections = PAGE.partition("## Calls on nodes")[2].partition("## What is not defended")[0]
    promises = re.split(r"^- ", sections, flags=re.M)[1:]
    assert len(promises) > 15
    without = [one for one in promises if not re.search(r"Tests:\s+`tests/", one)]
    assert without == []
    assert len(NAMED) == PAGE.count("::")
