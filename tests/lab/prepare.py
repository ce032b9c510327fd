"""What the lab tests need and must not fetch themselves: the first half of ``make lab``.

Makes the image of lab nodes in ``.cache/lab`` if its parts changed. Where a package cannot be had
it says so and ends well: the tests are then skipped.
"""

import sys

from tools.lab import image
from tools.machine import SetupError, Steps, check_root, install_packages, missing_programs


def main() -> int:
    """Prepare, and return the exit code."""
    check_root()
    if image.is_made():
        return 0
    image.CACHE.mkdir(parents=True, exist_ok=True)
    steps = Steps(1)
    steps.begin("image of lab nodes")
    try:
        lacking = missing_programs(sorted(image.PROGRAMS))
        if lacking:
            install_packages([image.PROGRAMS[name] for name in lacking], image.LOG)
        image.make()
    except SetupError as err:
        print(f"lab: {err}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
