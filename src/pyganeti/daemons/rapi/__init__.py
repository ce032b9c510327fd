"""``ganeti-rapi``: the cluster over HTTPS, for programs."""
