"""Partitioning a filled table, and taking that back, while readers and writers go on."""
