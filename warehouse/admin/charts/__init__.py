"""Charts of the admin's pages, drawn on the server, in colours that follow its light and dark.

Drawn by hand rather than by a library: no script, nothing to load, and one picture for light and dark, 1400 and 400
pixels (docs/decisions/storage-charts.md).
"""
