"""``ganeti-confd``: signed answers about the cluster, from the copy of its configuration."""
