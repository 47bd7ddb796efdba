"""The benchmark behind bin/bench: what an import and all around it take, as ratios of things measured in one run.

Everything is done as an operator does it, by commands in processes of their own, on a database that is made for it and
dropped. On a noisy machine ratios hold where speeds do not; of several rounds the median is the figure.
"""
