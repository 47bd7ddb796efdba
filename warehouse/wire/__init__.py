"""Talking to servers that are not ours: one deadline and one size for a whole answer, whoever speaks to it."""
