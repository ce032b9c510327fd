"""The text format: round trips, short rows, and where a complaint points."""

import re
from dataclasses import replace

import pytest

from pyganeti.htools.errors import InputError
from pyganeti.htools.model import DEFAULT_IPOLICY, Disk
from pyganeti.htools.text import format_text, parse_text
from pyganeti.model.enums import AllocPolicy, DiskTemplate, InstanceStatus

POLICY = "128,1,1024,1,1,1|128,1,1024,1,1,1;32768,8,1048576,16,8,12|drbd,plain|4.0|32.0"
WHOLE = f"""\
default|uuid-1|preferred|a,b|net-1,net-2
other|uuid-2|unallocable||

node1|32768|1024|16384|1048576|800000|8|M|uuid-1|6|t1,t2|Y|5|2|1.5
node2|32768|1024|20000|1048576|900000|8|Y|uuid-1|1||N|0|1|1.0
node3|32768|1024|31744|1048576|1048576|8|N|uuid-2|1||N|0|1|5.0e-2

web1|4096|102400|2|running|Y|node1|node2|drbd|t:1|3|7|N
web2|2048|51200|1|ADMIN_down|N|node3||plain||1|-|Y

htools:iextags:t
other tag

|{POLICY}
default|{POLICY}
other|{POLICY}
"""
SHORT = """\
default|uuid-1|preferred|

node1|32768|1024|16384|1048576|800000|8|M|uuid-1
node2|?|1024|16384|1048576|800000|8|N|uuid-1|6|t1

web1|4096|102400|2|running|Y|node1|node2|drbd|

"""


def test_writes_what_it_read() -> None:
    assert format_text(parse_text(WHOLE)) == WHOLE


def test_reads_every_column() -> None:
    cluster = parse_text(WHOLE)
    group, node, (web1, web2) = cluster.groups[1], cluster.nodes[0], cluster.instances
    assert cluster.groups[0].networks == ("net-1", "net-2")
    assert (group.alloc_policy, group.tags) == (AllocPolicy.UNALLOCABLE, ())
    assert (node.total_memory, node.node_memory, node.free_memory) == (32768.0, 1024, 16384)
    assert (node.total_disk, node.free_disk, node.total_cpus) == (1048576.0, 800000, 8.0)
    assert (node.master, node.offline, node.spindles, node.tags) == (True, False, 6, ("t1", "t2"))
    assert (node.exclusive_storage, node.free_spindles, node.node_cpus) == (True, 5, 2)
    assert [n.cpu_speed for n in cluster.nodes] == [1.5, 1.0, 0.05]
    assert [n.offline for n in cluster.nodes] == [False, True, False]
    assert (web1.status, web1.template) == (InstanceStatus.RUNNING, DiskTemplate.DRBD)
    assert (web1.primary, web1.secondary, web2.secondary) == ("node1", "node2", None)
    assert (web1.spindle_use, web1.disks) == (3, (Disk(102400, 7),))
    assert (web2.auto_balance, web2.forthcoming, web2.disks) == (False, True, (Disk(51200),))
    assert cluster.tags == ("htools:iextags:t", "other tag")
    assert cluster.ipolicy.disk_templates == (DiskTemplate.DRBD, DiskTemplate.PLAIN)


def test_fills_up_short_rows() -> None:
    node1, node2 = parse_text(SHORT).nodes
    assert (node1.spindles, node1.tags, node1.exclusive_storage) == (1, (), False)
    assert (node1.free_spindles, node1.node_cpus, node1.cpu_speed) == (0, 1, 1.0)
    assert (node2.offline, node2.total_memory, node2.spindles, node2.tags) == (True, 0.0, 0, ())
    (web1,) = parse_text(SHORT).instances
    assert (web1.spindle_use, web1.disks, web1.forthcoming) == (1, (Disk(102400),), False)


def test_a_group_without_a_policy_has_the_built_in_one() -> None:
    whole = parse_text(WHOLE.replace(f"other|{POLICY}\n", ""))
    assert whole.groups[1].ipolicy == DEFAULT_IPOLICY
    assert whole.groups[0].ipolicy == whole.ipolicy


def test_passes_over_further_columns_and_sections() -> None:
    more = WHOLE.replace("|1.5\n", "|1.5|new\n") + "\nsixth section\n"
    assert parse_text(more) == parse_text(WHOLE)


@pytest.mark.parametrize("nothing", ["\n\n\n", "\n\n\n\n", "\n\n\nhtools:iextags:a\n\n"])
def test_empty_sections(nothing: str) -> None:
    cluster = parse_text(nothing)
    assert (cluster.groups, cluster.nodes, cluster.instances) == ((), (), ())


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("other|uuid-2|un", "other|uuid-1|un", "line 2, column 2: group 'other': 'uuid-1' stands"),
        ("preferred", "liked", "line 1, column 3: group 'default': alloc_policy: 'liked' is none"),
        ("unallocable||", "unallocable", "line 2: group 'other': 3 columns where at least 4"),
        ("node1|32768", "node1|much", "line 4, column 2: node 'node1': total_memory: 'much'"),
        ("|16384|", "|16384.5|", "line 4, column 4: node 'node1': free_memory: '16384.5' is not"),
        ("|16384|", "|9" * 1 + "9" * 5000 + "|", "line 4, column 4: .* is too large"),
        ("|800000|", "|1e400|", "line 4, column 6: node 'node1': free_disk: '1e400'"),
        ("node1|32768", "node1|1e400", "line 4, column 2: .* is too large"),
        ("uuid-1|6", "uuid-9|6", "line 4, column 9: node 'node1': group: 'uuid-9' is none"),
        ("|Y|5|2", "|y|5|2", "line 4, column 12: node 'node1': exclusive_storage: 'y' is neither"),
        ("|5|2|", "|5||", "line 4, column 14: node 'node1': node_cpus: '' is not a whole number"),
        (
            "node2|32",
            "node1|32",
            "line 5, column 1: node 'node1': 'node1' stands already in line 4",
        ),
        ("web2|", "web1|", "line 9, column 1: instance 'web1': 'web1' stands already in line 8"),
        ("running", "walking", "line 8, column 5: instance 'web1': status: 'walking' is none of"),
        ("Y|node1", "?|node1", "line 8, column 6: instance 'web1': auto_balance: '\\?' is neither"),
        ("node1|node2", "node1|node1", "line 8, column 8: instance 'web1': secondary: 'node1' is"),
        ("node1|node2", "node9|node2", "line 8, column 7: instance 'web1': primary: 'node9' is"),
        ("node3||", "||", "line 9, column 7: instance 'web2': primary: '' is none"),
        ("|plain||1", "|paper||1", "line 9, column 9: instance 'web2': disk_template: 'paper'"),
        ("|1|-|Y", "|1|-|?", "line 9, column 13: instance 'web2': forthcoming: '\\?' is neither"),
        ("other|128", "odd|128", "line 16, column 1: policy 'odd': owner: 'odd' is none"),
        ("\n|128,1", "\n|128", "line 14, column 2: policy '': standard spec: .* has 5 numbers"),
        ("12|drbd", "12;|drbd", "line 14, column 3: policy '': spec ranges: '' has 1 numbers"),
        (";32768", "|32768", "line 14, column 3: policy '': spec ranges: 1 specs where pairs"),
        ("4.0|32.0\ndefault", "4.0\ndefault", "line 14: policy '': 5 columns where at least 6"),
        ("4.0|32.0\ndefault", "4.0|.5\ndefault", "line 14, column 6: policy '': spindle_ratio"),
    ],
)
def test_complains_with_line_and_column(old: str, new: str, complaint: str) -> None:
    assert old in WHOLE
    with pytest.raises(InputError, match="^" + complaint) as refused:
        parse_text(WHOLE.replace(old, new, 1))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("sections", range(4))
def test_a_truncated_file(sections: int) -> None:
    whole = "\n\n".join(re.split("\n\n", WHOLE)[:sections])
    with pytest.raises(InputError, match=f"the file ends after {sections} sections"):
        parse_text(whole)


def test_spindles_of_several_disks_are_added_up() -> None:
    cluster = parse_text(WHOLE)
    disks = (Disk(100, 2), Disk(200, 3))
    instances = (replace(cluster.instances[0], disks=disks), cluster.instances[1])
    assert "|t:1|3|5|N" in format_text(replace(cluster, instances=instances))
