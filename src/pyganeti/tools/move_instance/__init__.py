"""``move-instance``: instances from one cluster to another."""
