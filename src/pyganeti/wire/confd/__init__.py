"""Questions to ``ganeti-confd`` and its answers: signed UDP datagrams, and a client."""
