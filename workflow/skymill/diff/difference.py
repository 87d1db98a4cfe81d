"""One difference between two files."""

from dataclasses import asdict, dataclass

LONGEST = 100
"""Characters of a value that are shown."""
ABSENT = "—"


@dataclass(frozen=True)
class Difference:
    """A place where two files differ.

    Attributes
    ----------
    where : str
        The place inside the file, such as ``HDU 2 (M), pixels``.
    a, b : object
        What stands there in each file, at `at` if the place has many values.
    count, total : int
        How many values of the place differ, and how many there are; 1 of 1 for a single value.
    at : str
        The first of these values, such as ``x=12, y=5``.
    ulp : int or None
        Largest distance in units in the last place; None where that has no meaning.
    worst : str
        Where that is.
    """

    where: str
    a: object
    b: object
    count: int = 1
    total: int = 1
    at: str = ""
    ulp: int | None = None
    worst: str = ""

    def text(self) -> str:
        """One line."""
        values = f"{shown(self.a)} → {shown(self.b)}"
        if not self.at:
            return f"{self.where}: {values}"
        most = f"; most at {self.worst}: {self.ulp:,} ULP" if self.ulp is not None else ""
        counted = f"{self.count:,} of {self.total:,} differ"
        return f"{self.where}: {counted}; first at {self.at}: {values}{most}"

    def as_json(self) -> dict[str, object]:
        """As plain values."""
        return asdict(self) | {"a": shown(self.a), "b": shown(self.b)}


def shown(value: object) -> str:
    """A value as it is printed, cut where it is long."""
    if value is None:
        return ABSENT
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}… ({len(text):,} characters)"
