"""The one summary of a model that every report is made of: plain values that JSON can hold."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from gpuseg.card import digest_said, paths_of, profile_of
from gpuseg.errors import InvalidInput
from gpuseg.features import CleaningReport
from gpuseg.notebook import counted, shown
from gpuseg.plot.measures import KEYS, VALUE, Measure, contrasts, frame_of, mean_of_all, measures, moment
from gpuseg.preprocessing.report import Report
from gpuseg.settings import MIN_REPORT_SIZE

LONGEST = 200
"""Characters of a parameter's value."""


def summary(
    card: Mapping[str, Any],
    *,
    cleaning: CleaningReport | Mapping[str, Any] | None = None,
    title: str | None = None,
    min_report_size: int = MIN_REPORT_SIZE,
) -> dict[str, Any]:
    """Return what a report says of a model: dicts, lists, text, numbers and None; dates in ISO 8601.

    ``card``: a model card, as ``Segmenter.card_``. ``cleaning``: the CleaningReport of the transactions that the
    customers were made of, or its ``to_dict()``. ``title``: left out, segments and customers. Keys:
    title, about, created, algorithm, found, customers, noise, min_report_size, segments (segment, name, size, share,
    value_share), small, profile (a column of the customers each: name, kind, all, contrast, and mean and median, or
    share, or top and top_share), splits (a segment that was split each: name, customers, algorithm, reason, choice,
    metrics, and segments, small and profile of its parts), choice, metrics, cleaning, preparation, backend,
    parameters, versions, training_data_sha256.
    Segments of fewer customers than ``min_report_size`` are in ``small``. Several are pooled in one whose ``segment``
    is None and which has a size and, where they are enough together, a share of value; of one alone and of such noise
    all but the size is None. ``all`` and the shares of value are of the customers told of.
    Raises InvalidInput for what is no card, no cleaning report, no title or no number of customers.

    >>> profile = {"names": ["segment", "size", "share"], "types": ["Int32", "Int64", "Float64"]}
    >>> card = {"profile": profile | {"values": [[0, 1], [6, 3], [0.667, 0.333]]}, "algorithm": "kmeans"}
    >>> card |= {"rows": {"read": 9, "kept": 9, "noise": 0}, "segments": 2, "choice": {}, "metrics": {}, "backend": {}}
    >>> steps = {"rows_read": 9, "rows_kept": 9, "duplicates": 0, "scale": "standard", "columns": []}
    >>> card |= {"preprocessing": steps, "parameters": {}, "versions": {}, "created": "", "training_data_sha256": ""}
    >>> summary(card)["title"]
    '2 segments of 9 customers'
    """
    if title is not None and not isinstance(title, str):
        raise InvalidInput(f"title={title!r} is not text; give a string, or None for one of its own")
    cleaned, fewest = _cleaned(cleaning), checked_size(min_report_size)
    try:
        return _summary(card, cleaned, title, fewest)
    except (KeyError, TypeError, AttributeError, ValueError, ArithmeticError, pl.exceptions.PolarsError) as error:
        raise InvalidInput(
            f"card is no model card ({error!r}); give Segmenter.card_, or the card of a model"
        ) from error


def checked_size(min_report_size: Any) -> int:
    """Return the customers of the smallest segment to tell of; raise InvalidInput for what is no such number.

    >>> checked_size(0)
    Traceback (most recent call last):
    gpuseg.errors.InvalidInput: min_report_size=0 is no number of customers; give a whole number from 1 up
    """
    if isinstance(min_report_size, bool) or not isinstance(min_report_size, int) or min_report_size < 1:
        raise InvalidInput(
            f"min_report_size={min_report_size!r} is no number of customers; give a whole number from 1 up"
        )
    return min_report_size


def _summary(
    card: Mapping[str, Any], cleaning: dict[str, Any] | None, title: str | None, fewest: int
) -> dict[str, Any]:
    rows, paths = card["rows"], paths_of(card)
    names = {segment: paths.get(segment, shown("segment", segment)) for segment in _numbers(card)}
    of_all = f"{counted(card['segments'], 'segment')} of {counted(rows['kept'], 'customer')}"
    return {
        "title": title or of_all,
        "about": of_all,
        "created": str(card["created"]),
        "algorithm": card["algorithm"],
        "found": card["segments"],
        "customers": rows["kept"],
        "noise": rows["noise"],
        "min_report_size": fewest,
        **_likeness(card, names, fewest),
        "splits": [_split(split, paths, fewest) for split in card.get("splits", [])],
        "choice": dict(card["choice"]),
        "metrics": dict(card["metrics"]),
        "cleaning": cleaning,
        "preparation": _preparation(card["preprocessing"]),
        "backend": dict(card["backend"]),
        "parameters": {name: _short(value) for name, value in card["parameters"].items()},
        "versions": dict(card["versions"]),
        "training_data_sha256": card["training_data_sha256"],
    }


def _numbers(card: Mapping[str, Any]) -> list[int]:
    return profile_of(card["profile"])["segment"].to_list()


def _likeness(card: Mapping[str, Any], names: Mapping[int, str], fewest: int) -> dict[str, Any]:
    """Return the segments of a card with their names and sizes, those that are too small, and what they are like."""
    whole = frame_of(profile_of(card["profile"]))
    small = whole.filter(pl.col("size") < fewest)["segment"].to_list()
    joined = [number for number in small if number >= 0]
    frame, pool = _withheld(_pooled(whole, joined), fewest), f"{len(joined)} small segments"
    keys = [name for name in ("segment", "size", "share", VALUE) if name in frame.columns]
    return {
        "segments": [{**row, "name": names.get(row["segment"], pool)} for row in frame.select(keys).to_dicts()],
        "small": small,
        "profile": [_profiled(frame, measure, gaps=_has_gaps(card, measure.name)) for measure in measures(frame)],
    }


def _split(split: Mapping[str, Any], paths: Mapping[int, str], fewest: int) -> dict[str, Any]:
    """Return what a report says of a segment that was split: of its parts as of segments, by their own columns."""
    card, whole = split["card"], split["segment"]
    names = {at: shown("segment", at) if at < 0 else paths[split["into"][at]] for at in _numbers(card)}
    about = {name: card[name] for name in ("algorithm", "choice", "metrics")}
    about |= {"reason": card["choice"]["reason"] + digest_said(card["metrics"])}
    return {
        "name": paths.get(whole, str(whole)),
        "customers": card["rows"]["kept"],
        **about,
        **_likeness(card, names, fewest),
    }


def _pooled(frame: pl.DataFrame, small: list[int]) -> pl.DataFrame:
    """Return a profile with one row, of no number, for several segments; noise stays last."""
    if len(small) < 2:  # noqa: PLR2004 - one is no pool
        return frame
    rest, noise = frame.filter(pl.col("segment") >= 0), frame.filter(pl.col("segment") < 0)
    among = pl.col("segment").is_in(small)
    told = [name for name in ("size", "share", VALUE) if name in frame.columns]
    pool = rest.filter(among).select(pl.sum(name) for name in told)
    return pl.concat([rest.filter(~among), pool, noise], how="diagonal").select(frame.columns)


def _withheld(frame: pl.DataFrame, fewest: int) -> pl.DataFrame:
    """Return a profile that tells of too few customers nothing but how many they are.

    Shares of value are those of the customers told of: from the others' the rest to 1 would be known.
    """
    told = pl.col("size") >= fewest
    frame = frame.with_columns(
        pl.when(told).then(pl.col(name)).alias(name) for name in frame.columns if name not in KEYS
    )
    if VALUE not in frame.columns or frame[VALUE].null_count() == 0:
        return frame
    total = frame[VALUE].sum()
    return frame.with_columns(pl.col(VALUE) / total if total > 0 else pl.lit(None, pl.Float64).alias(VALUE))


def _cleaned(cleaning: CleaningReport | Mapping[str, Any] | None) -> dict[str, Any] | None:
    if cleaning is None:
        return None
    plain = cleaning.to_dict() if isinstance(cleaning, CleaningReport) else cleaning
    if not (isinstance(plain, Mapping) and {"read", "kept", "dropped", "customers"} <= set(plain)):
        sentence = f"cleaning is a {type(cleaning).__name__} that tells no rows read and kept"
        raise InvalidInput(f"{sentence}; give the CleaningReport that customer_features returns, or None")
    return dict(plain)


def _profiled(frame: pl.DataFrame, measure: Measure, *, gaps: bool) -> dict[str, Any]:
    """Return a column of the customers: its summary in each segment told of, and of all where none is missing."""
    words = {"number": ("mean", "median"), "date": ("mean", "median"), "boolean": ("share",)}
    names = words.get(measure.kind, ("top", "top_share"))
    found = zip(names, (measure.main, measure.second), strict=False)
    values = {word: _listed(frame[column]) for word, column in found if column is not None}
    whole = None if gaps else mean_of_all(frame, measure)
    of_all = moment(whole).isoformat() if whole is not None and measure.kind == "date" else whole
    about = {"name": measure.name, "kind": measure.kind, "all": of_all, "contrast": contrasts(frame, measure)}
    return {**about, **values}


def _listed(column: pl.Series) -> list[Any]:
    return (column.dt.to_string("iso:strict") if column.dtype.is_temporal() else column).to_list()


def _has_gaps(card: Mapping[str, Any], name: str) -> bool:
    """Return whether a column had missing values: then the segments' means do not add up to the mean of all."""
    return any(c["name"] == name and c["missing"] + c["infinite"] > 0 for c in card["preprocessing"]["columns"])


def _preparation(plain: Mapping[str, Any]) -> dict[str, Any]:
    """Return what preprocessing did: rows, and a line a column."""
    report = Report.from_dict(plain)
    columns = [
        {"name": c.name, "kind": c.kind, "missing": c.missing + c.infinite, "used": not c.dropped, "done": c.steps()}
        for c in report.columns
    ]
    kept = {name: plain[name] for name in ("rows_read", "rows_kept", "duplicates", "scale")}
    return {**kept, "columns": columns}


def _short(value: Any) -> str | float | bool | None:
    """Return a parameter as plain value; a long one, such as a list of numbers, is cut."""
    if value is None or isinstance(value, int | float | bool):
        return value
    text = str(value) if isinstance(value, str) else repr(_plain(value))
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} …"


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, Sequence) else value
