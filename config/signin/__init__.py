"""Who gets in: how often a sign-in may fail and from where, where it leads, how long it lasts.

Counting and keeping is django-axes'; here stand the rules that it has no setting for (docs/decisions/sign-in.md).
"""
