"""Options of ``gnt-group`` and ``gnt-network``.

Data only: what an option is called, what it takes and where its value goes.

Source: gnt-group(8), gnt-network(8).
"""

from typing import Final

from pyganeti.cli.option import Option, switch

ADD_RESERVED_IPS: Final = Option(
    ("--add-reserved-ips",), "add_reserved_ips", "addresses to reserve, separated by commas"
)
ALLOC_POLICY: Final = Option(
    ("--alloc-policy",), "alloc_policy", "allocation policy of the group", metavar="POLICY"
)
FORCE_FAILOVER: Final = switch(("--force-failover",), "force_failover", "fail over, never migrate")
GATEWAY: Final = Option(("--gateway",), "gateway", "IPv4 gateway")
GATEWAY6: Final = Option(("--gateway6",), "gateway6", "IPv6 gateway")
INCLUDE_DEFAULTS: Final = switch(
    ("--include-defaults",), "include_defaults", "include values that are inherited"
)
NETWORK: Final = Option(("--network",), "network", "IPv4 network with prefix length")
NETWORK6: Final = Option(("--network6",), "network6", "IPv6 network with prefix length")
REMOVE_RESERVED_IPS: Final = Option(
    ("--remove-reserved-ips",), "remove_reserved_ips", "addresses to release, separated by commas"
)
SEQUENTIAL: Final = switch(("--sequential",), "sequential", "one job after the other")
