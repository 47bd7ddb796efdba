"""How much of what was found is kept as evidence: examples, and how often each value was met.

Nothing of Django: what decodes files in a process of its own starts without it.
"""

EXAMPLES_MAX = 5
VALUES_MAX = 50  # values that are counted one by one; how often there were others is counted, too
OTHER_VALUES = "other values"


def count_value(values: dict[str, int], value: str, count: int = 1) -> None:
    """Count a value that was refused `count` times more; what comes when VALUES_MAX are known is counted as others."""
    if value not in values and len(values) - (OTHER_VALUES in values) >= VALUES_MAX:
        value = OTHER_VALUES
    values[value] = values.get(value, 0) + count
