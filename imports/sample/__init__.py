"""Writes an archive of made-up resorts in the real format: for the demo, for tests, for the benchmark.

resorts (who there is) -> days (what they report on a day) -> writer (files); with defects: defects (what happens to
whole files) and planting with its cases (what happens to events). The manifest says what went in and what the tables
must hold after an import; it is counted here and asks no code of the importer.
"""

from imports.sample.writer import MANIFEST_FILE, Plan, SampleError, write_archive

__all__ = ["MANIFEST_FILE", "Plan", "SampleError", "write_archive"]
