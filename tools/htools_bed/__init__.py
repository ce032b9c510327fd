"""The bed on which our htools are compared with Ganeti's: clusters, commands, recorded answers."""
