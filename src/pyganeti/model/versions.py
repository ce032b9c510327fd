"""Version numbers that other programs see.

Source: version constants of Ganeti 3.1.
"""

from typing import Final

RELEASE_VERSION: Final = "3.1.0"
CONFIG_VERSION: Final = 3010000
# What ``cfgupgrade --downgrade`` makes of it.
PREVIOUS_CONFIG_VERSION: Final = 3000000
PROTOCOL_VERSION: Final = CONFIG_VERSION
LUXI_VERSION: Final = CONFIG_VERSION
OS_API_VERSION: Final = 20
OS_API_VERSIONS: Final = frozenset({10, 15, 20})
EXPORT_VERSION: Final = 0
RAPI_VERSION: Final = 2
JOB_QUEUE_VERSION: Final = 1
VCS_VERSION: Final = "pyganeti-0.1.0"
