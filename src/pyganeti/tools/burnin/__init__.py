"""``burnin``: makes test instances and does with them whatever a cluster can do."""
