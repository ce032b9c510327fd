"""Ask a ganeti-confd all questions of ``tests/golden/confd`` and keep what it says.

python -m tools.confd_replies KEYFILE ADDRESS PORT
"""

import json
import sys
from pathlib import Path
from typing import Any, Final

from pyganeti.wire.confd.client import ConfdClient
from pyganeti.wire.confd.datagram import ConfdError
from tools.machine import CHECKOUT

REPLIES: Final = CHECKOUT / "tests" / "golden" / "confd" / "replies.json"
_PATIENCE_S: Final = 0.5


def ask(client: ConfdClient, question: dict[str, Any]) -> dict[str, Any] | None:
    """The reply to a question, or ``None`` where there is none."""
    try:
        found = client.ask(question["type"], question["query"], timeout_s=_PATIENCE_S)
    except ConfdError:
        return None
    reply = found.reply
    return {"status": reply.status, "answer": reply.answer, "serial": reply.serial}


def main() -> int:
    """Renew the file."""
    key, address, port = sys.argv[1:]
    client = ConfdClient(Path(key).read_bytes(), [address], int(port))
    questions = json.loads(REPLIES.read_text("utf-8"))
    lines = [
        json.dumps({**question, "reply": ask(client, question)}, separators=(", ", ":"))
        for question in questions
    ]
    REPLIES.write_text("[\n" + ",\n".join(lines) + "\n]\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
