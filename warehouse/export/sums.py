"""What a month's file and the server are compared by: rows, XOR of their ids, sums, and a check of every value."""

from dataclasses import asdict, dataclass, field
from typing import Any

# check = sum over rows of (id mod WEIGHT) * sum over columns of n * (value mod CHECK), n counted from 1: a value that
# is altered, or put into another row, gives another sum. Of 40 columns and a batch of 20,000 rows it stays in 64 bits.
WEIGHT_MODULUS = 8_191
CHECK_MODULUS = 1_000_003
MISSING = 999_983  # what a value that is empty counts as
_64_BITS = (1 << 64) - 1


@dataclass(slots=True)
class Sums:
    """`sums`: of the columns that are measures, by name, whole numbers (prices in hundredths)."""

    rows: int = 0
    xor: int = 0
    sums: dict[str, int] = field(default_factory=dict)
    check: int = 0

    def __post_init__(self) -> None:
        self.xor &= _64_BITS  # the server's BIT_XOR has no sign

    def add(self, other: "Sums") -> None:
        """Those of further rows."""
        self.rows += other.rows
        self.xor ^= other.xor
        self.check += other.check
        for name, value in other.sums.items():
            self.sums[name] = self.sums.get(name, 0) + value

    def as_json(self) -> dict[str, Any]:
        """As the manifest has it."""
        return asdict(self)

    @classmethod
    def from_json(cls, found: dict[str, Any]) -> "Sums":
        """KeyError, TypeError: it is none."""
        return cls(int(found["rows"]), int(found["xor"]), dict(found["sums"]), int(found["check"]))

    def difference(self, other: "Sums", one: str, another: str) -> str:
        """What differs, in words; "" for nothing."""
        if self.rows != other.rows:
            return f"{one} has {self.rows:,} rows, {another} {other.rows:,}"
        if self.xor != other.xor:
            return f"{one} has other rows than {another}, as many (XOR of the ids)"
        for name in sorted({*self.sums, *other.sums}):
            if self.sums.get(name) != other.sums.get(name):
                return f"{name} adds up to {self.sums.get(name)} in {one}, to {other.sums.get(name)} in {another}"
        return f"{one} and {another} differ in a value of some row" if self.check != other.check else ""
