"""``docs/metrics.md`` has every metric that a daemon may expose, as declared, and no other."""

import re

from pyganeti.daemons.mond.metrics import METRICS as NODE
from pyganeti.daemons.rapi.metrics import METRICS as CLUSTER
from tools.machine import CHECKOUT

ROW = re.compile(r"^\| `(ganeti_\w+)` \| (\w+) \| ([^|]*) \| ([^|]+) \|$", re.M)


def test_the_list_is_whole_and_true() -> None:
    text = (CHECKOUT / "docs" / "metrics.md").read_text("utf-8")
    listed = [
        (name, kind, tuple(re.findall(r"`(\w+)`", labels)), said)
        for name, kind, labels, said in ROW.findall(text)
    ]
    assert listed == [(one.name, str(one.type), one.labels, one.help) for one in (*NODE, *CLUSTER)]
