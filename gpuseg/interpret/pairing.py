"""Two labellings of the same customers side by side: their segments, and what the business calls them."""

import os
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from gpuseg.errors import InvalidInput, listed, missing_column, nearest_hint
from gpuseg.features._same_ids import Keyed, keyed_tables
from gpuseg.features.roles import find_customer
from gpuseg.io import open_table
from gpuseg.privacy import personal_kind, traces_in

USUAL = ("persona", "rule_segment", "segment", "name")
"""What a column of personas is called where nobody names it; ``rule_segment`` is that of ``rfm_scores``."""
ROW = "row"
"""The id of customers who have none: their place, as in ``Segmenter.segments_``."""
NEEDED = 0.5
"""The share of the customers whom the personas must know: below it, what is said would be of others than these."""
GROUPS_TOO = ("names of persons", "free text")
"""What looks like data about persons, and may well be what a group is called."""
MOST = 100
"""Different personas at most: a column of more is one of ids, of amounts or of free text."""


class Paired(NamedTuple):
    """Customers with both their labels, and what other columns tell of them.

    ``segments`` and ``personas``: (customers,), in the order of the table of segments; segments are whole numbers or
    text, personas text, missing where a customer has none. ``column``: what the personas are called.
    ``known``: customers whose id the personas have; ``unknown``: ids of the personas that are no customers here.
    ``customers``, ``later`` and ``beside``: the other columns of the customer table, of that of a later period and of
    the personas, in the same order, missing where a table has no such customer; ``there``: who is in the later one.
    """

    segments: pl.Series
    personas: pl.Series
    column: str
    known: int
    unknown: int
    customers: pl.DataFrame
    beside: pl.DataFrame
    later: pl.DataFrame
    there: pl.Series


class Labelled(NamedTuple):
    """A table of one row a customer: the column of ids, and that of labels where it has one."""

    frame: pl.DataFrame
    on: str
    label: str = ""


def paired(
    segments: Any,
    personas: Any,
    customers: Any = None,
    *,
    later: Any = None,
    id_column: str | None = None,
    segment_column: str = "segment",
    persona_column: str | None = None,
) -> Paired:
    """Return segments and personas of the same customers, matched by id; labels without ids are matched by row.

    ``compare_personas`` and ``predictive_value`` say what may be given. Raises InvalidInput where ids are missing,
    repeat, or are of other customers, and where there are fewer than two segments or personas.

    >>> found = paired([0, 0, 1], ["a", "b", None], persona_column="kind")
    >>> found.segments.to_list(), found.personas.to_list(), found.column, found.known
    ([0, 0, 1], ['a', 'b', None], 'kind', 3)
    """
    more = {name: table for name, table in (("customers", customers), ("later", later)) if table is not None}
    frames = {name: open_table(table).eager().to_polars() for name, table in more.items()}
    if is_labels(segments):
        labels = _series(segments, "segments").alias(segment_column)
        frames = {name: _by_row(frame, labels, name) for name, frame in frames.items()}
        id_column = ROW
        one = Labelled(_by_row(labels.to_frame(), labels, "segments"), ROW, segment_column)
    else:
        one = _segments(open_table(segments).eager().to_polars(), id_column, segment_column)
    told = {name: Labelled(frame, _id_of(frame, id_column or one.on, name)) for name, frame in frames.items()}
    other = _personas(personas, persona_column, one, told.get("customers"), id_column)
    tables = {"segments": one, "personas": other, **told}
    keyed = keyed_tables({name: table.frame for name, table in tables.items()}, {n: t.on for n, t in tables.items()})
    at = {name: _rows_in(keyed["segments"], keyed[name]) for name in tables}
    known = len(one.frame) - at["personas"].null_count()
    _check_overlap(known, one, other)
    own = (other.label, segment_column)
    beside = {name: _others(told[name], at[name], *own[:1]) for name in told}
    return Paired(
        segments=_checked_segments(one.frame.get_column(one.label)),
        personas=_checked_personas(other.frame.get_column(other.label), other.label).gather(at["personas"]),
        column=other.label,
        known=known,
        unknown=len(other.frame) - known,
        customers=beside.get("customers", pl.DataFrame()),
        beside=_others(other, at["personas"], *own),
        later=beside.get("later", pl.DataFrame()),
        there=at.get("later", at["segments"]).is_not_null(),
    )


def is_labels(source: Any) -> bool:
    """Return whether something is a label a row, and no table.

    >>> is_labels([0, 1]), is_labels(pl.Series([0, 1])), is_labels(pl.DataFrame({"id": [1], "segment": [0]}))
    (True, True, False)
    """
    return isinstance(source, list | tuple | pl.Series) or getattr(source, "ndim", None) == 1


def _series(labels: Any, what: str) -> pl.Series:
    """Return labels as a column; an index of pandas without a name is left out.

    Raises InvalidInput for one with a name, as of ids: labels go by row, and would be other customers'.
    """
    if (name := getattr(getattr(labels, "index", None), "name", None)) is not None:
        raise InvalidInput(
            f"{what} have the index {name!r}, and labels go by row; give reset_index(), a table of ids and labels, or "
            "to_numpy() where the rows are the same"
        )
    try:
        return labels if isinstance(labels, pl.Series) else pl.Series(np.asarray(labels).tolist(), strict=False)
    except (TypeError, ValueError, pl.exceptions.PolarsError) as error:
        raise InvalidInput(f"{what} are no labels of one kind ({error}); give whole numbers or text") from error


def _by_row(frame: pl.DataFrame, labels: pl.Series, what: str) -> pl.DataFrame:
    """Return a table with the number of its rows as the id, where it has none of that name."""
    if ROW in frame.columns:
        return frame
    if len(frame) != len(labels):
        raise InvalidInput(
            f"{what} have {len(frame):,} rows for {len(labels):,} labels; give a table of ids and segments, or as many"
        )
    return frame.with_row_index(ROW).cast({ROW: pl.Int64})


def _segments(frame: pl.DataFrame, id_column: str | None, segment_column: str) -> Labelled:
    if segment_column not in frame.columns:
        raise missing_column("segment_column", segment_column, frame.columns)
    return Labelled(frame, _id_of(frame, id_column, "segments"), segment_column)


def _id_of(frame: pl.DataFrame, wanted: str | None, what: str) -> str:
    """Return the column of ids: the one wanted, else that found by its name, else the number of the row."""
    if wanted in frame.columns:
        return str(wanted)
    if (found := find_customer(frame.columns)) is not None:
        return found
    if ROW in frame.columns:
        return ROW
    named = "is named" if wanted is None else f"is named {wanted!r}"
    raise InvalidInput(
        f"no column of the {what} {named} as the id, among {listed(frame.columns)}; "
        "rename that of the ids, or name it as id_column"
    )


def _personas(source: Any, column: str | None, one: Labelled, told: Labelled | None, id_column: str | None) -> Labelled:
    """Return the table that has the personas: one of its own, or the customers or segments with that column."""
    if is_labels(source):
        labels = _series(source, "personas")
        if len(labels) != len(one.frame):
            raise InvalidInput(
                f"personas are {len(labels):,} labels and segments {len(one.frame):,} rows; give a table of ids and "
                "personas, or a label a row"
            )
        name = column or USUAL[0]
        return Labelled(one.frame.select(one.on).with_columns(labels.alias(name)), one.on, name)
    homes = [table for table in (told, one) if table is not None]
    if isinstance(source, str):
        for home in homes:
            if source in home.frame.columns:
                return home._replace(label=source)
        if not Path(source).suffix and not os.path.exists(Path(source).expanduser()):  # noqa: PTH110 - text, not a Path
            names = [name for home in homes for name in home.frame.columns]
            sentence = f"the personas {source!r} are neither a column, such as {listed(names)}, nor a file"
            raise InvalidInput(f"{sentence}; name one of them, or give a table{nearest_hint(source, names)}")
    frame = open_table(source).eager().to_polars()
    on = _id_of(frame, id_column or one.on, "personas")
    if one.on == ROW != on:
        raise InvalidInput(
            f"segments are numbered by row and personas have ids in {on!r}; segment with that id_column, or give a "
            "persona a row"
        )
    return Labelled(frame, on, _persona_column(frame, on, column))


def _persona_column(frame: pl.DataFrame, on: str, wanted: str | None) -> str:
    if wanted is not None:
        if wanted not in frame.columns:
            raise missing_column("persona_column", wanted, frame.columns)
        return wanted
    others = [name for name in frame.columns if name != on]
    found = next((name for name in USUAL if name in others), others[0] if len(others) == 1 else None)
    if found is None:
        raise InvalidInput(f"the personas have the columns {listed(others)}; name theirs as persona_column")
    return found


def _rows_in(wanted: Keyed, table: Keyed) -> pl.Series:
    """Return where each wanted id stands in a table, missing where it does not."""
    ids, there = wanted.ids.to_polars(), table.ids.to_polars()
    places = pl.DataFrame({"id": there, "at": pl.int_range(len(there), eager=True)})
    return pl.DataFrame({"id": ids}).join(places, on="id", how="left", maintain_order="left")["at"]


def _others(table: Labelled, at: pl.Series, *left: str) -> pl.DataFrame:
    """Return the other columns of a table, a row a customer."""
    frame = table.frame.select(name for name in table.frame.columns if name not in (table.on, *left))
    return pl.DataFrame([column.gather(at) for column in frame.get_columns()])


def _check_overlap(known: int, one: Labelled, other: Labelled) -> None:
    rows = len(one.frame)
    if not rows:
        raise InvalidInput("the table of segments has no rows; give one with customers")
    if known < NEEDED * rows:
        raise InvalidInput(
            f"{known:,} of the {rows:,} customers ({known / rows:.1%}) have an id among the {len(other.frame):,} of "
            f"the personas ({one.on!r} and {other.on!r}); at least {NEEDED:.0%} are needed: give the personas of "
            "these customers, or the segments of those who have one"
        )


def _checked_segments(labels: pl.Series) -> pl.Series:
    """Return segments as whole numbers, or as text where they are; raise InvalidInput where there are not two."""
    if missing := labels.null_count():
        raise InvalidInput(
            f"{missing:,} of {len(labels):,} customers have no segment; leave them out, or call noise -1"
        )
    whole = labels.dtype.is_float() and bool((labels.is_finite() & (labels % 1 == 0)).all())
    if labels.dtype.is_float() and not whole:
        raise InvalidInput(f"column {labels.name!r} holds fractions; give segments as whole numbers or text")
    found = labels.cast(pl.Int64) if whole or labels.dtype.is_integer() else _words(labels, "segment")
    distinct = found.unique()
    if found.dtype == pl.Int64:
        distinct = distinct.filter(distinct >= 0)
        if not len(distinct):
            raise InvalidInput("every customer is noise, segment -1; give a segmentation that found segments")
    if len(distinct) < 2:  # noqa: PLR2004 - one segment tells nobody apart
        raise InvalidInput(f"there is one segment, {distinct[0]!r}; give a segmentation of at least 2")
    return found


def _checked_personas(labels: pl.Series, column: str) -> pl.Series:
    """Return personas as text, missing where blank; raise InvalidInput for names that cannot be told apart."""
    found = _words(labels, "persona")
    names = found.drop_nulls().unique().sort().to_list()
    if len(names) < 2:  # noqa: PLR2004 - one persona tells nobody apart
        what = f"one persona, {names[0]!r}" if names else "no persona"
        raise InvalidInput(f"column {column!r} has {what}; give at least 2")
    if len(names) > MOST:
        raise InvalidInput(
            f"column {column!r} has {len(names):,} different values in {len(found):,} rows; give a column of at most "
            f"{MOST} personas"
        )
    kind = personal_kind(traces_in(found.drop_nulls()), column)
    if kind is not None and kind not in GROUPS_TOO:
        raise InvalidInput(
            f"the personas in column {column!r} look like {kind}, and reports and model files tell of them by name; "
            "give groups of customers other names"
        )
    folded = [name.casefold() for name in names]
    if clashing := [name for name, fold in zip(names, folded, strict=True) if folded.count(fold) > 1]:
        raise InvalidInput(f"the personas {listed(clashing)} differ in capitals alone; give each one name")
    return found


def _words(labels: pl.Series, what: str) -> pl.Series:
    """Return labels as text without blanks around it; whole numbers have no point."""
    if labels.dtype.is_nested():
        raise InvalidInput(f"column {labels.name!r} holds {labels.dtype}; give each customer one {what}")
    if labels.dtype.is_float() and bool((labels.drop_nulls() % 1 == 0).all()):
        labels = labels.cast(pl.Int64, strict=False)
    text = labels.cast(pl.String).str.strip_chars()
    return text.set(text == "", None)
