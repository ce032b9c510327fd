"""``ganeti-metad``: tells guests about themselves, over HTTP on their communication NICs."""
