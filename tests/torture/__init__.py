"""bin/torture: imports of archives with defects under fire, and what is stored held row by row against an oracle.

`archive` makes a cycle's files, `reading`, `rules` and `oracle` say what has to be in the tables, by code that shares
nothing with the importer; `stored` reads the tables, `cycle` and `strikes` do the damage, `server` is the private one.
"""
