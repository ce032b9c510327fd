"""Calls from the master to node daemons: declarations, codec, client and server.

The master builds a call (``InstanceStartCall(...)``) and hands it to a
:class:`~.client.NodeClient`; noded decodes it and passes it to its handlers.
``docs/design/0002-node-calls.md`` says what a caller may conclude from an answer, an error and
silence.
"""
