"""Writing down figures, with what they were measured on."""

import json
import os
import platform
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.figure import Figure


def machine() -> dict[str, str]:
    """What it is measured on."""
    text = Path("/proc/cpuinfo").read_text("utf-8")
    models = [row.partition(":")[2].strip() for row in text.splitlines() if "model name" in row]
    commit = _git("rev-parse", "--short", "HEAD")
    return {
        "machine": f"{os.cpu_count()} x {models[0] if models else platform.machine()}",
        "system": f"{platform.system()} {platform.release()}, Python {platform.python_version()}",
        "commit": commit + (", changed" if _git("status", "--porcelain", "-uno") else ""),
        "load": " ".join(f"{value:.2f}" for value in os.getloadavg()),
        "date": time.strftime("%Y-%m-%d %H:%M:%S"),
    }


def _git(*words: str) -> str:
    place = Path(__file__).parent
    done = subprocess.run(["git", *words], capture_output=True, text=True, cwd=place, check=False)
    return done.stdout.strip()


def record(path: Path, header: dict[str, str], figures: Sequence[Figure]) -> None:
    """Replace what ``path`` holds."""
    rows = [
        {
            "name": figure.name, "unit": figure.unit, "target": figure.target,
            "at_least": figure.at_least, "median": figure.median, "samples": [*figure.samples],
            "held": figure.is_held, "note": figure.note,
        }
        for figure in figures
    ]  # fmt: skip
    path.write_text(json.dumps({**header, "figures": rows}, indent=1) + "\n", "utf-8")
