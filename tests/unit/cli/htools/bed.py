"""Runs our htools on the bed, and tells how an answer differs from Ganeti's.

    Case -> directory with its files -> main.run -> Answer; both answers -> same_form -> compare

What may differ is taken out first: which version it is, and the words in which help describes an
option (the table's other columns may not).
"""

import io
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from pyganeti.cli.htools.main import run
from tools.htools_bed.cases import Answer, Case
from tools.htools_bed.record import made_files, prepare

_VERSION: Final = re.compile(r"\(ganeti\) version \S+")
_MADE_WITH: Final = re.compile(r"^.*\n(?=running on )", re.M)
_DESCRIBED: Final = re.compile(r"^(  (?:-\S(?: \S+|\S+)?)? +--\S+) .*$", re.M)


@contextmanager
def inside(directory: Path) -> Iterator[None]:
    """Work in ``directory``, as programs do that are started there."""
    before = Path.cwd()
    os.chdir(directory)
    try:
        yield
    finally:
        os.chdir(before)


def ours(case: Case, clusters: dict[str, str], where: Path) -> Answer:
    """What our program answers, run in the empty directory ``where``."""
    prepare(case, clusters, where)
    out, err = io.StringIO(), io.StringIO()
    with inside(where):
        code = run(case.program, case.args, {}, out, err)
    return Answer(code, out.getvalue(), err.getvalue(), made_files(case, where))


def same_form(answer: Answer) -> Answer:
    """``answer`` without what may differ."""
    return replace(answer, out=_plain(answer.out), err=_plain(answer.err))


def _plain(text: str) -> str:
    text = _MADE_WITH.sub("", _VERSION.sub("(ganeti) version V", text))
    return _DESCRIBED.sub(lambda row: row[1].rstrip(), text)
