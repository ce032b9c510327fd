"""New certificates, keys and secrets. Checks its command line; not built yet.

Source: gnt-cluster(8).
"""

from typing import Final

from pyganeti.cli.option import Command
from pyganeti.cli.options import cluster as c
from pyganeti.cli.options import shared as o
from pyganeti.cli.pending import not_built

COMMANDS: Final = {
    "renew-crypto": Command(
        not_built,
        (),
        (
            c.NEW_CLUSTER_CERT,
            c.NEW_RAPI_CERT,
            c.RAPI_CERT,
            c.NEW_CONFD_HMAC_KEY,
            o.FORCE,
            c.NEW_CLUSTER_DOMAIN_SECRET,
            c.CLUSTER_DOMAIN_SECRET,
            c.NEW_SPICE_CERT,
            c.SPICE_CERT,
            c.SPICE_CACERT,
            c.NEW_NODE_CERT,
            c.NEW_SSH_KEYS,
            o.SSH_KEY_CHECK,
            o.VERBOSE,
            c.SSH_KEY_BITS,
            c.SSH_KEY_TYPE,
        ),
    ),
}
