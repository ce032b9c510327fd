"""Parameter sets: which names they have, of which type, with which defaults and checks.

A set is data (:class:`~pyganeti.model.params.kinds.ParamSet`); the functions that check, update and
fill the mappings kept in the configuration are the same for all of them.
"""
