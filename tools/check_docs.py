"""Check what is written for readers: links and paths, the form of news files, manual pages.

Run by ``make docs``. Prints a line for each finding, and ends with 1 if there was one.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tools import make_man
from tools.machine import CHECKOUT

_LINK: Final = re.compile(r"\[[^\]]*\]\(([^)#\s]+)[^)]*\)")
# A path in backticks that begins with one of our directories.
_PATH: Final = re.compile(r"`((?:src|tests|docs|tools|os|changes|benchmarks)/[\w./-]*)`")
_NEWS: Final = re.compile(r"\d{4}-[a-z0-9-]+\.(feature|fix|change|removal)\.md")
_LONGEST_NEWS: Final = 400


def written() -> Iterator[Path]:
    """Every page of ours."""
    yield from sorted(CHECKOUT.glob("*.md"))
    for folder in ("docs", "changes"):
        yield from sorted((CHECKOUT / folder).rglob("*.md"))


def dead_links(page: Path, text: str) -> Iterator[str]:
    """Relative links and named paths that lead nowhere."""
    for target in _LINK.findall(text):
        if "://" not in target and not (page.parent / target).exists():
            yield f"link to {target}, which does not exist"
    for target in _PATH.findall(text):
        if not (CHECKOUT / target).exists():
            yield f"names {target}, which does not exist"


def bad_news(page: Path, text: str) -> Iterator[str]:
    """What is wrong with a news file; see changes/README.md."""
    if not _NEWS.fullmatch(page.name):
        yield "a news file is named NNNN-words.(feature|fix|change|removal).md"
    if not text.strip() or len(text) > _LONGEST_NEWS:
        yield "a news file says in one to three lines what changed for users"


def findings() -> Iterator[str]:
    """A line for each thing that is wrong."""
    for page in written():
        text = page.read_text("utf-8")
        wrong = list(dead_links(page, text))
        if page.parent.name == "changes" and page.name != "README.md":
            wrong += bad_news(page, text)
        yield from (f"{page.relative_to(CHECKOUT)}: {what}" for what in wrong)
    yield from make_man.findings()


def main() -> int:
    """Print the findings; the exit code says whether there are any."""
    lines = list(findings())
    print("\n".join(lines) or "docs: links, paths, news files and manual pages are in order")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
