"""Importing day files: from a request to runs, and a run file by file."""
