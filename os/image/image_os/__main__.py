"""Scripts of the OS definition "image": the first argument says which of them this is.

Standard output carries the disk in ``export``; all else is said on standard error.
"""

import os
import sys

from errors import Refused
from install import export, import_, install
from seed import make_seed, write_seed
from settings import read_settings


def create() -> None:
    """Install the image, and write the seed."""
    settings = read_settings(os.environ)
    # All that can be refused is, before the first byte is written.
    make_seed(settings, os.environ)
    install(settings, os.environ)
    write_seed(settings, os.environ)


def rename() -> None:
    """Tell the guest its new name; a guest without a seed has it told by hand."""
    settings = read_settings(os.environ)
    if settings.seed_disk is None:
        print("image: there is no seed, the guest keeps its name", file=sys.stderr)
    write_seed(settings, os.environ)


def main() -> int:
    """Run one of them; the exit code."""
    name = sys.argv[1]
    try:
        if name == "verify":
            read_settings(os.environ)
        elif name == "create":
            create()
        elif name == "rename":
            rename()
        elif name == "export":
            export(os.environ)
        else:
            import_(os.environ)
    except Refused as err:
        print(f"image: {name}: {err}", file=sys.stderr)
        return 1
    except OSError as err:
        print(f"image: {name}: {err.strerror or err}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
