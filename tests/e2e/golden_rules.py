"""What is made equal before our output is compared with Ganeti's, and what differs on purpose."""

import re
from typing import Final

from tools.sameness import Rule, figures, without_descriptions

_UUID: Final = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def _versions(text: str) -> str:
    """``gnt-cluster version``: ours is another one."""
    return re.sub(r"^((?:Software|Internode|Configuration|VCS)[^:]*): .*", r"\1: <version>", text,
                  flags=re.M)  # fmt: skip


def _sorted_blocks(text: str) -> str:
    """``info`` of several instances: Ganeti's are in the order of their uuids."""
    blocks = re.split(r"^(?=- )", text, flags=re.M)
    return "".join(sorted(blocks))


def _sorted_lines(text: str) -> str:
    """``gnt-node list-storage``: Ganeti's nodes are in the order of their uuids."""
    titles, *rows = text.splitlines(keepends=True) or [""]
    return "".join([titles, *sorted(rows)])


def _young_priorities(text: str) -> str:
    """Priorities of a job that waits for its turn: ours rise with the time that has passed."""
    text = re.sub(r"(?<=:)-\d+(?=:)", "0", text)
    text = re.sub(r"\[-\d+\](?=:)", "[0]", text)
    text = re.sub(r"\[-\d+\](?= )", lambda found: "[0]".ljust(len(found[0])), text)
    return re.sub(r" -\d+(?= )", lambda found: "0".rjust(len(found[0])), text)


def _sorted_rules(text: str) -> str:
    """Job filters: Ganeti's are in the order of their uuids, ours in that of their use."""
    if text.startswith("UUID: "):
        return "".join(sorted(re.split(r"^(?=UUID: )", text, flags=re.M)))
    lines = text.splitlines(keepends=True)
    titles = 1 if re.match(r"(UUID|Action|Priority)\b", text) else 0
    return "".join(lines[:titles] + sorted(lines[titles:]))


def _sorted_ratios(text: str) -> str:
    """The two ratios of a policy: Ganeti's order changes from call to call."""
    return re.sub(r"^( +spindle-ratio: .*\n)( +vcpu-ratio: .*\n)", r"\2\1", text, flags=re.M)


def _sorted_bounds(text: str) -> str:
    """The bounds of a policy: Ganeti's order changes from call to call."""
    body = r"((?:\1    .*\n)+)"
    pattern = rf"^( *)- (min|max)/(\d+): \n{body}\1  (min|max)/\3: \n{body}"

    def ordered(found: "re.Match[str]") -> str:
        indent, _, number, *_ = found.groups()
        both = sorted([(found[2], found[4]), (found[5], found[6])])
        return "".join(f"{indent}  {name}/{number}: \n{lines}" for name, lines in both)

    return re.sub(pattern, ordered, text, flags=re.M)


def _sorted_users(text: str) -> str:
    """Instances of a network: Ganeti's are in the order of their uuids."""
    text = re.sub(r"\binst\d[\w.]*(?:,inst\d[\w.]*)+", lambda found: ",".join(
        sorted(found[0].split(","))), text)  # fmt: skip
    return re.sub(r"(?:^    inst\S+: .*\n)+", lambda found: "".join(
        sorted(found[0].splitlines(keepends=True))), text, flags=re.M)  # fmt: skip


def _places(text: str) -> str:
    """Places of OS definitions below our nodes' directories, and nodes by name or uuid."""
    text = re.sub(r"/tmp/g-[^/ ]+/node\d\.example\.com", "", text)
    return re.sub(rf"Node: (?:{_UUID}|node\d\.example\.com),", "Node: <node>,", text)


def _what_is_wrong(text: str) -> str:
    """``gnt-os diagnose``: what is wrong is told in our own words; versions in ascending order."""
    text = re.sub(r"status: invalid - .* \(path", "status: invalid - <message> (path", text)
    return text.replace("[API versions: 20, 15]", "[API versions: 15, 20]")


def _search_paths(text: str) -> str:
    """Search paths: a virtual node of ours looks below its own directory first."""
    return re.sub(r"/tmp/g-[^/ ]+/node\d\.example\.com/[^, ]*, ", "", text)


def _without_our_fields(text: str) -> str:
    """Fields that Ganeti has not."""
    return re.sub(r"^(?:progress|hv/boot_type|hv/tpm) .*\n", "", text, flags=re.M)


RULES: Final = (
    Rule(r"gnt-(?:instance|job) list-fields", _without_our_fields),
    Rule(r"gnt-\S+ list-fields", without_descriptions),
    Rule(r"gnt-job list .*oppriority", _young_priorities),
    Rule(r"gnt-node list(-storage)?($| (?!.*-o (name|ctime)))", figures),
    Rule(r"gnt-node list .*-o name,bootid", figures),
    Rule(r"gnt-node list-storage", _sorted_lines),
    Rule(r"gnt-cluster version", _versions),
    Rule(r"gnt-instance info --all", _sorted_blocks),
    Rule(r"gnt-(group|cluster) info", _sorted_ratios),
    Rule(r"gnt-filter (list|info)($| )", _sorted_rules),
    Rule(r"gnt-(group|cluster) info", _sorted_bounds),
    Rule(r"gnt-network (list|info)", _sorted_users),
    Rule(r"gnt-os diagnose", _places),
    Rule(r"gnt-os diagnose", _what_is_wrong),
    Rule(r"gnt-cluster info", _search_paths),
    Rule(r"gnt-instance info", _places),
)

_UNKNOWN: Final = "an unknown name is refused, so that a mistyped one is not taken for nothing"
_FINISHED: Final = "our own words, which tell what became of the job"
_CONSOLE: Final = "an instance that does not run has no console"
_EMPTY: Final = "a change of nothing is refused"
_NAMED: Final = "the error itself names what is in the way, and no log line before it"
_DRBD: Final = "the master daemon answers, ganeti-confd is not needed"
_STATE: Final = "we show the static states that were set"

# Commands whose answer differs on purpose, and why.
OTHERWISE: Final = {
    "gnt-job info 99999": _UNKNOWN,
    "gnt-job info 33 99999": _UNKNOWN,
    "gnt-filter info nosuch": _UNKNOWN,
    "gnt-filter list --no-headers -o priority nosuch": _UNKNOWN,
    "gnt-group info nosuch": _UNKNOWN,
    "gnt-group info rack9": "values that are inherited are shown beside those that are not",
    "gnt-group modify rack9": _EMPTY,
    "gnt-group show-ispecs-cmd nosuch": _UNKNOWN,
    "gnt-network add --network=192.0.2.0/24 --gateway=192.0.2.254 blue": "Ganeti reserves twice, "
    "as primary and as secondary address, and warns",
    "gnt-network connect blue default": _NAMED,
    "gnt-network disconnect front default": _NAMED,
    "gnt-network info nosuch": _UNKNOWN,
    "gnt-network modify --add-reserved-ips=198.51.100.5 front": "that an instance has it is told",
    "gnt-network modify --add-reserved-ips=203.0.113.1 blue": "an address outside is refused",
    "gnt-network remove --force front": _NAMED,
    "gnt-network remove front": _NAMED,
    "gnt-node info nosuch": _UNKNOWN,
    "gnt-node info node1 nosuch": _UNKNOWN,
    "gnt-os info nosuch": _UNKNOWN,
    "gnt-instance startup nosuch": "the error says which name is unknown, and has its type",
    "gnt-instance list -o name,console inst2": _CONSOLE,
    "gnt-instance console inst2": _CONSOLE,
    "gnt-instance list -o name,osparams": "defaults for an OS with a variant are filled in",
    "gnt-node list -o name,hv_state,disk_state": _STATE,
    "gnt-node list-drbd node1": _DRBD,
    "gnt-job list -o id,opstart,opexec,opend 33": "Ganeti does not count these into widths",
    "gnt-job cancel --force 17": _FINISHED,
    "gnt-job change-priority --priority=low 17": _FINISHED,
    "gnt-filter add --action=NOSUCH": "found before anything is sent, as wrong options are",
}
