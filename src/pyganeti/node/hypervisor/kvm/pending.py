"""Parameters of kvm that do nothing yet: anything but their default is refused.

Data only: the list of pending parts and the driver's check read it.
"""

from typing import Final

# Parameter to its default.
PENDING: Final[dict[str, str | int | bool]] = {
    "user_shutdown": False,
}

# Values of parameters that otherwise work.
PENDING_VALUES: Final[dict[str, frozenset[str]]] = {
    "security_model": frozenset({"pool"}),
}
