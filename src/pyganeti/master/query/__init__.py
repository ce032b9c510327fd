"""Queries: what LUXI's ``Query``, ``QueryFields`` and the older calls answer.

One table of fields a noun; :mod:`pyganeti.master.query.engine` filters, asks nodes once, and builds
rows. Queries read one snapshot and take no locks.
"""
