"""Service units of the daemons, from the table that daemon-util has of them."""

from typing import Final

from pyganeti.tools.layout import USERS
from pyganeti.tools.services import Service, argument_variables

_UNIT: Final = """\
[Unit]
Description=Ganeti: {name}
Documentation=man:{name}(8)
After=network-online.target
ConditionPathExists=/var/lib/ganeti/server.pem
StartLimitIntervalSec=10min
StartLimitBurst=5

[Service]
Type=notify
NotifyAccess=main
User={user}
EnvironmentFile=-/etc/default/ganeti
# For one start: written by daemon-util.
EnvironmentFile=-/run/pyganeti/{name}.env
ExecStartPre=+/usr/lib/ganeti/ensure-dirs
ExecStart=/usr/sbin/{name} -f {arguments}
ExecReload=/bin/kill -HUP $MAINPID
# 11: this is not the master.
SuccessExitStatus=11
RestartPreventExitStatus=11
Restart=on-failure
RestartSec=2s
TimeoutStartSec=300
TimeoutStopSec=90
LimitNOFILE=1048576
{more}"""
# Guests are children of the node daemon: they outlive it, and the memory they want is not its own.
_GUESTS: Final = """\
KillMode=process
OOMPolicy=continue
TasksMax=infinity
LimitMEMLOCK=infinity
LimitNPROC=infinity
"""
_ALONE: Final = """\
KillMode=mixed
NoNewPrivileges=yes
PrivateTmp=yes
ProtectHome=yes
ProtectSystem=full
"""


def unit(service: Service) -> str:
    """The text of ``NAME.service``."""
    user = USERS[service.role]
    names = (*argument_variables(service), "EXTRA_ARGS")
    return _UNIT.format(
        name=service.name,
        user=user,
        arguments=" ".join(f"${name}" for name in names),
        more=_GUESTS if user == "root" else _ALONE,
    )
