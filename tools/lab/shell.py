"""``make lab-shell``: fresh lab nodes with the project, and a shell on the first."""

import sys
from typing import Final

from tools.lab.nodes import LabError, bed

# Each takes a processor and 1 GiB.
MOST: Final = 3


def main() -> int:
    """Make as many nodes as the argument says, one if there is none."""
    word = sys.argv[1] if len(sys.argv) > 1 else "1"
    if word not in {str(number) for number in range(1, MOST + 1)}:
        print(f"lab: {word!r} is no number of nodes from 1 to {MOST}", file=sys.stderr)
        return 1
    try:
        with bed("pyganeti-lab-shell") as place:
            nodes = place.restore(int(word))
            for node in nodes:
                node.install()
                print(f"{node.name}: {node.address}, replication {node.secondary}", file=sys.stderr)
            return nodes[0].shell()
    except LabError as err:
        print(f"lab: {err}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
