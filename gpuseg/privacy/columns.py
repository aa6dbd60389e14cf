"""What the values of a column look like together: a sample of the different ones, and the kind that they are of."""

from collections.abc import Sequence

import polars as pl

from gpuseg.privacy import shapes
from gpuseg.privacy.checks import NATIONAL
from gpuseg.privacy.names import hints_at

MOST = 500
"""Different values of a sample, those of the smallest hashes: it hangs neither on the order of rows nor on their parts,
and a share of one in twenty is known within two percent."""
SEED = 11
"""What sets these hashes apart from others of the same values."""
Traces = tuple[tuple[int, int], ...]
"""A sample: the hash and the marks of each value, by rising hash. No value can be read from it."""
FEW, MANY = 3, 5
"""Values that have to pass a check that random ones pass once in a hundred, or once in ten, times: five of ten is 1 in
100,000."""
PASSED = 0.8
"""The share, of those that have a shape, whose check digits are right: of other numbers it is 0.1 or less."""
SOME, MOSTLY = 0.3, 0.6
"""Shares of the different values that are of a kind, where its check says more, and where the shape alone does."""
RARELY = 0.05
"""The share of e-mail addresses from which a column is one of them: nothing else looks like them."""
ALIKE = 0.3
"""The share of values that come more than once, up to which they tell persons apart, as levels do not."""
VARIED = 50
"""Different words that are no levels where the column is named as one of names: many persons have one surname."""


def traces_in(values: pl.Series) -> Traces:
    """Return a sample of the different values of a column without gaps, of text or of whole numbers.

    >>> traces = traces_in(pl.Series(["ann@example.org", "bob@example.org", "ann@example.org"]))
    >>> len(traces), personal_kind(traces, "contact")
    (2, 'e-mail addresses')
    """
    text = values.cast(pl.String).alias("value")
    hashes = text.hash(SEED).alias("hash")
    least = hashes.unique().bottom_k(MOST).max()
    chosen = pl.select(text, hashes).filter(pl.col("hash") <= least)
    found = chosen.group_by("hash").agg(pl.first("value"), pl.len()).sort("hash")
    repeated = shapes.REPEATED
    return tuple((key, shapes.marks_of(value) | repeated * (count > 1)) for key, value, count in found.rows())


def both(one: Traces, other: Traces) -> Traces:
    """Return the sample of two parts together.

    >>> both(((1, 0), (2, 1)), ((2, 1), (3, 0))) == ((1, 0), (2, 1 | shapes.REPEATED), (3, 0))
    True
    """
    if not (one and other):
        return one or other
    found = dict(one)
    for key, marks in other:
        found[key] = found[key] | marks | shapes.REPEATED if key in found else marks
    return tuple(sorted(found.items())[:MOST])


def personal_kind(traces: Traces, name: str) -> str | None:
    """Return what data about persons a column looks like, in words, or None.

    The name alone is no reason: it lowers what the values have to show.
    """
    sample = Sample([marks for _, marks in traces])
    if not sample.marks:
        return None
    if sample.share(shapes.EMAIL) >= RARELY:
        return "e-mail addresses"
    if sample.checked(shapes.IBAN_SHAPE, shapes.IBAN, FEW, hinted=hints_at(name, "iban")):
        return "IBANs"
    if sample.checked(shapes.CARD_SHAPE, shapes.CARD, MANY, hinted=hints_at(name, "card")):
        return "payment card numbers"
    for place, one in enumerate(NATIONAL, shapes.FIRST_NATIONAL // 2):
        shape = 1 << 2 * place
        least = MANY if one.weak else FEW
        if sample.checked(shape, shape << 1, least, hinted=hints_at(name, "national")):
            return f"national ids ({one.name})"
    return _by_shape(sample, name)


class Sample:
    """The marks of some different values."""

    def __init__(self, marks: Sequence[int]) -> None:
        self.marks = marks

    def share(self, mark: int) -> float:
        """Return the share of the values that have a mark, or one of several."""
        return self.count(mark) / len(self.marks)

    def count(self, mark: int) -> int:
        """Return how many values have a mark, or one of several."""
        return sum(marks & mark != 0 for marks in self.marks)

    def repeated(self, mark: int) -> float:
        """Return the share, of the values that have a mark, that come more than once."""
        return sum(marks & mark != 0 and marks & shapes.REPEATED != 0 for marks in self.marks) / max(
            self.count(mark), 1
        )

    def checked(self, shape: int, check: int, least: int, *, hinted: bool) -> bool:
        """Return whether enough values have a shape and, of these, pass the check; one is enough under such a name."""
        right = self.count(check)
        enough = self.share(shape) >= SOME and right >= (1 if hinted else least)
        return enough and right >= PASSED * self.count(shape)


def _by_shape(sample: Sample, name: str) -> str | None:
    """Return what a column looks like that has no check digits."""
    if _is_phone(sample, name):
        return "phone numbers"
    if _is_name(sample, name):
        return "names of persons"
    return "free text" if _is_free_text(sample, name) else None


def _is_phone(sample: Sample, name: str) -> bool:
    hinted = hints_at(name, "phone")
    mark = shapes.DIALLED if hinted else shapes.PHONE
    enough = sample.share(mark) >= MOSTLY and sample.count(mark) >= (1 if hinted else FEW)
    return enough and sample.repeated(mark) <= ALIKE


def _is_name(sample: Sample, name: str) -> bool:
    if sample.share(shapes.NAME) >= MOSTLY and sample.share(shapes.GIVEN_NAME) >= SOME:
        return sample.count(shapes.NAME) >= FEW
    hinted = hints_at(name, "part of name")
    if not (hinted or hints_at(name, "name")):
        return False
    words = shapes.NAME | shapes.WORD if hinted else shapes.NAME
    many = sample.count(words) >= VARIED or sample.repeated(words) <= ALIKE
    return sample.share(words) >= MOSTLY and sample.count(words) >= FEW and many


def _is_free_text(sample: Sample, name: str) -> bool:
    hinted = hints_at(name, "text")
    mark, least = (shapes.WORDS, FEW) if hinted else (shapes.LONG, 2 * MANY)
    return sample.share(mark) >= SOME and sample.count(mark) >= least and sample.repeated(mark) <= ALIKE
