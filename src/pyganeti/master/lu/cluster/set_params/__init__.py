"""``gnt-cluster modify``: ``operation`` is the Logical Unit."""
