"""``gnt-cluster master-failover``: another node becomes the master.

    known (ssconf files) -> survey (who votes for whom, whose copy is newest) -> takeover (acts)

There is no master to ask meanwhile, so the command calls nodes itself. See
``docs/design/0014-master-failover.md``.
"""
