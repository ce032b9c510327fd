"""``fmtjson``: reads JSON from standard input and writes it in order and indented."""

import json
import sys
from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; 1 if it is no JSON."""
    if sys.argv[1:] if argv is None else argv:
        print("usage: fmtjson < FILE; it has no options or arguments", file=sys.stderr)
        return 1
    try:
        value = json.loads(sys.stdin.buffer.read())
        text = json.dumps(value, indent=2, sort_keys=True)
    except RecursionError:
        print("fmtjson: nested too deeply", file=sys.stderr)
        return 1
    except ValueError as err:
        print(f"fmtjson: {err}", file=sys.stderr)
        return 1
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
