"""``gnt-cluster renew-crypto``: new certificates, keys and secrets.

    options -> checked -> files on this node -> OP_CLUSTER_RENEW_CRYPTO, OP_CLUSTER_REDIST_CONF

What is secret goes to the master's disk, where masterd reads it, and into no job.

Source: gnt-cluster(8) RENEW-CRYPTO.
"""

from typing import TYPE_CHECKING, Final

from pyganeti.cli import failure
from pyganeti.cli.option import Command
from pyganeti.cli.options import cluster as c
from pyganeti.cli.options import shared as o
from pyganeti.cli.submit import run_op
from pyganeti.model.errors import OpPrereqError

if TYPE_CHECKING:
    from optparse import Values

    from pyganeti.cli.context import Context
    from pyganeti.master.new_keys import Wanted

_QUESTION: Final = (
    "All nodes will be given what is renewed. Nodes that are down may have to be added again."
    " Continue?"
)


def run(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Renew what is named."""
    check_options(opts)
    # Checking and making keys takes a slow library; only the master's disk has what is renewed.
    from pyganeti.master.new_keys import make, write

    cluster = ctx.query_client.query_cluster_info()
    if opts.new_ssh_keys and not cluster["modify_ssh_setup"]:
        raise OpPrereqError("this cluster leaves SSH keys alone (--no-ssh-init)", "wrong_state")
    keys = make(ctx.paths, wanted(opts), cluster["name"])
    if not opts.force:
        ctx.confirm(_QUESTION)
    write(ctx.paths, keys)
    if not opts.ssh_key_check:
        ctx.warn("Warning: --no-ssh-key-check has no effect: nodes are not reached over ssh")
    certificates = opts.new_cluster_cert or opts.new_node_cert
    if keys.files and not certificates:
        # Who gets new certificates gets these files, too.
        run_op(ctx, opts, {"OP_ID": "OP_CLUSTER_REDIST_CONF"})
    if certificates or opts.new_ssh_keys:
        run_op(ctx, opts, make_op(opts))
    return failure.OK


def check_options(opts: "Values") -> None:
    """Refuse what contradicts itself.

    Raises:
        OpPrereqError: names the options.
    """
    for made, given, names in (
        (opts.new_rapi_cert, [opts.rapi_cert], "--new-rapi-certificate and --rapi-certificate"),
        (
            opts.new_cluster_domain_secret,
            [opts.cluster_domain_secret],
            "--new-cluster-domain-secret and --cluster-domain-secret",
        ),
        (
            opts.new_spice_cert,
            [opts.spice_cert, opts.spice_cacert],
            "--new-spice-certificate and --spice-certificate or --spice-ca-certificate",
        ),
    ):
        if made and any(one is not None for one in given):
            raise OpPrereqError(f"{names} exclude each other")
    if (opts.spice_cert is None) != (opts.spice_cacert is None):
        text = "--spice-certificate and --spice-ca-certificate must be given together"
        raise OpPrereqError(text)
    if (opts.ssh_key_type or opts.ssh_key_bits is not None) and not opts.new_ssh_keys:
        text = "--ssh-key-type and --ssh-key-bits are for --new-ssh-keys"
        raise OpPrereqError(text)
    if not any(getattr(opts, name) not in (None, False) for name in _CHOICES):
        raise OpPrereqError("say what is to be renewed, see --help")


_CHOICES: Final = (
    "new_cluster_cert",
    "new_node_cert",
    "new_rapi_cert",
    "rapi_cert",
    "new_spice_cert",
    "spice_cert",
    "new_confd_hmac_key",
    "new_cluster_domain_secret",
    "cluster_domain_secret",
    "new_ssh_keys",
)


def wanted(opts: "Values") -> "Wanted":
    """The files to renew on this node."""
    from pyganeti.master.new_keys import Wanted

    return Wanted(
        cluster=opts.new_cluster_cert,
        rapi=bool(opts.new_rapi_cert),
        spice=bool(opts.new_spice_cert),
        hmac=opts.new_confd_hmac_key,
        secret=opts.new_cluster_domain_secret,
        rapi_file=opts.rapi_cert,
        spice_file=opts.spice_cert,
        spice_ca_file=opts.spice_cacert,
        secret_file=opts.cluster_domain_secret,
    )


def make_op(opts: "Values") -> dict[str, object]:
    """The opcode; a new authority signs new certificates for the nodes, too."""
    return {
        "OP_ID": "OP_CLUSTER_RENEW_CRYPTO",
        "node_certificates": opts.new_cluster_cert or opts.new_node_cert,
        "renew_ssh_keys": opts.new_ssh_keys,
        "ssh_key_type": opts.ssh_key_type,
        "ssh_key_bits": opts.ssh_key_bits,
        "verbose": opts.verbose,
        "debug": bool(opts.debug),
    }


COMMANDS: Final = {
    "renew-crypto": Command(
        run,
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
