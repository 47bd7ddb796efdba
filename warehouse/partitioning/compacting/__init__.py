"""Months that take more room than their rows need, rebuilt while they are in use."""
