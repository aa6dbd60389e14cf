"""The model card: what a person wants to know of a model, as plain values; aggregates only."""

import datetime as dt
import hashlib
import platform
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
import polars as pl

from gpuseg._estimator import plain_parameters
from gpuseg.backends import Host
from gpuseg.interpret.profile import Field, Rows
from gpuseg.neighbors.keys import mixed, row_keys

LIBRARIES = (
    "gpuseg", "numpy", "scikit-learn", "polars", "narwhals", "cupy-cuda12x", "cupy-cuda13x", "cuml-cu12", "cuml-cu13"
)  # fmt: skip
TYPES: Mapping[str, Any] = {"Int32": pl.Int32, "Int64": pl.Int64, "Float64": pl.Float64, "String": pl.String}
DATE = "Datetime"


def card_of(segmenter: Any, profile: pl.DataFrame, fingerprint: str) -> dict[str, Any]:
    """Return the card of a fitted Segmenter: ``profile`` and ``fingerprint`` are those of its customers."""
    choice, score, report = segmenter.choice_, segmenter.score_, segmenter.preprocessor_.report_
    noise = profile.filter(pl.col("segment") < 0)["size"].sum()
    quality = {} if score is None else {"silhouette": score._asdict()}
    inertia = {"inertia": segmenter.model_.inertia_} if segmenter.algorithm == "kmeans" else {}
    names = segmenter.preprocessor_.get_feature_names_out()
    return {
        "created": now(),
        "versions": versions(),
        "algorithm": segmenter.algorithm,
        "parameters": parameters_of(segmenter.model_, names),
        "id_column": segmenter.id_column,
        "value_column": segmenter.value_column,
        "rows": {"read": report.rows_read, "kept": profile["size"].sum(), "noise": noise},
        "segments": choice.k + sum(len(split.into) - 1 for split in segmenter.splits_.values()),
        "choice": {
            **choice._asdict(),
            "candidates": [candidate._asdict() for candidate in choice.candidates],
            "stability": list(choice.stability),
        },
        "density": None if segmenter.density_ is None else segmenter.density_.plain(),
        "backend": {**segmenter.dispatch_._asdict(), "steps": list(segmenter.dispatch_.steps)},
        "metrics": {**quality, **inertia, **digest_of(segmenter.model_)},
        "training_data_sha256": fingerprint,
        "preprocessing": report.to_dict(),
        "profile": profile_state(profile),
        "splits": [
            {"segment": segment, "into": list(split.into), "card": split.segmenter.card_}
            for segment, split in segmenter.splits_.items()
        ],
    }


def parameters_of(model: Any, features: Sequence[str]) -> dict[str, Any]:
    """Return the parameters of a fitted algorithm, columns of categories by their names."""
    parameters = plain_parameters(model)
    if (places := parameters.get("categorical")) is not None:
        parameters["categorical"] = [str(features[place]) for place in places]
    return parameters


def digest_of(model: Any) -> dict[str, float]:
    """Return how many points stood for the rows of a fit, and its error beside an exact one; nothing of exact fits."""
    if getattr(model, "exact_", True) or not hasattr(model, "digest_size_"):
        return {}
    return {"digest_size": int(model.digest_size_), "digest_error": float(model.digest_error_)}


def paths_of(card: Mapping[str, Any]) -> dict[int, str]:
    """Return the way to each part of a segment that was split, by its number.

    >>> paths_of({"splits": [{"segment": 0, "into": [3, 4]}, {"segment": 3, "into": [5, 6]}]})
    {3: '0/3', 4: '0/4', 5: '0/3/5', 6: '0/3/6'}
    """
    paths: dict[int, str] = {}
    for split in card.get("splits", []):
        above = paths.get(split["segment"], str(split["segment"]))
        paths |= {part: f"{above}/{part}" for part in split["into"]}
    return paths


def splits_said(card: Mapping[str, Any]) -> list[str]:
    """Return a sentence for each segment that was split: into which parts, by what, and why so many.

    >>> child = {"algorithm": "kmeans", "choice": {"reason": "n_clusters=2 was asked for"}, "metrics": {}}
    >>> splits_said({"splits": [{"segment": 0, "into": [3, 4], "card": child}]})
    ['segment 0 is split into 3 and 4 by kmeans: n_clusters=2 was asked for']
    """
    return [
        f"segment {split['segment']} is split into {numbered(split['into'])} by {split['card']['algorithm']}: "
        f"{split['card']['choice']['reason']}{digest_said(split['card']['metrics'])}"
        for split in card.get("splits", [])
    ]


def digest_said(metrics: Mapping[str, Any]) -> str:
    """Return what is added to a sentence on a fit of a digest; nothing of another.

    >>> digest_said({"digest_size": 8160, "digest_error": 0.041}), digest_said({})
    ('; by a digest of 8,160 points, whose error is 0.04', '')
    """
    if "digest_error" not in metrics:
        return ""
    return f"; by a digest of {metrics['digest_size']:,} points, whose error is {metrics['digest_error']:.2f}"


def numbered(segments: Iterable[int]) -> str:
    """Return numbers of segments in a sentence.

    >>> numbered([]), numbered([3]), numbered([3, 4, 5])
    ('none', '3', '3, 4 and 5')
    """
    *first, last = list(map(str, segments)) or ["none"]
    return f"{', '.join(first)} and {last}" if first else last


def hierarchy_of(card: Mapping[str, Any]) -> pl.DataFrame:
    """Return segments and what they were split into: segment, parent, path, size and share; noise last.

    A segment stands above its parts, which stand in the order of their numbers. Customers of it who are noise to
    what it was split by are in none of them, and counted as noise.
    """
    profile = profile_of(card["profile"])
    sizes = dict(zip(profile["segment"].to_list(), profile["size"].to_list(), strict=True))
    splits, paths = card.get("splits", []), paths_of(card)
    sizes |= {split["segment"]: split["card"]["rows"]["kept"] for split in splits}
    parents = {part: split["segment"] for split in splits for part in split["into"]}
    ways = {segment: paths.get(segment, str(segment)) for segment in sizes}
    order = sorted(sizes, key=lambda segment: (segment < 0, [int(step) for step in ways[segment].split("/")]))
    rows = max(card["rows"]["kept"], 1)
    return pl.DataFrame(
        {
            "segment": pl.Series(order, dtype=pl.Int32),
            "parent": pl.Series([parents.get(segment) for segment in order], dtype=pl.Int32),
            "path": pl.Series(["noise" if segment < 0 else ways[segment] for segment in order], dtype=pl.String),
            "size": pl.Series([sizes[segment] for segment in order], dtype=pl.Int64),
            "share": pl.Series([sizes[segment] / rows for segment in order], dtype=pl.Float64),
        }
    )


def versions(libraries: Sequence[str] = LIBRARIES) -> dict[str, str]:
    """Return the versions of Python and of those of the libraries that are here, without loading them."""
    found = {"python": platform.python_version()}
    for name in libraries:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def fingerprint(raw: Host, fields: Sequence[Field]) -> str:
    """Return a SHA-256 of the columns' names, kinds and levels and of the rows' values, whatever the rows' order.

    >>> raw, names = np.array([[1.0, 2.0], [3.0, np.nan]]), [Field("a", "number", []), Field("b", "number", [])]
    >>> fingerprint(raw, names) == fingerprint(raw[::-1], names) != fingerprint(raw, names[::-1])
    True
    """
    return fingerprint_of([row_sums(raw)], fields)


def fingerprint_of(sums: Sequence[Host], fields: Sequence[Field]) -> str:
    """Return the fingerprint of rows in parts, whose ``row_sums`` are given."""
    digest = hashlib.sha256(repr([tuple(field) for field in fields]).encode())
    digest.update(np.sum(sums, axis=0, dtype=np.uint64).tobytes())
    return digest.hexdigest()


def row_sums(raw: Host) -> Host:
    """Return the rows as four sums of their numbers, uint64: sums of parts add up, in any order.

    A hash of a set that adds up is that of Clarke and others 2003, "Incremental multiset hash functions".
    """
    numbers = row_keys(raw)
    return np.array([np.sum(mixed(numbers + np.uint64(word)), dtype=np.uint64) for word in range(4)])


def fingerprints(rows: Rows) -> Host:
    """Return the ``row_sums`` of a part of the customers."""
    return row_sums(rows.raw)


def profile_state(profile: pl.DataFrame) -> dict[str, Any]:
    """Return a profile as plain values: names, types, and a list a column (dates in ISO 8601)."""
    plain = profile.with_columns(pl.col(pl.Datetime).dt.to_string("iso:strict"))
    types = [DATE if isinstance(dtype, pl.Datetime) else str(dtype) for dtype in profile.dtypes]
    return {"names": profile.columns, "types": types, "values": [column.to_list() for column in plain.get_columns()]}


def profile_of(state: Mapping[str, Any]) -> pl.DataFrame:
    """Return the profile that ``profile_state`` was taken of."""
    columns = []
    for name, kind, values in zip(state["names"], state["types"], state["values"], strict=True):
        series = pl.Series(name, values, dtype=TYPES.get(kind, pl.String))
        columns.append(series.str.to_datetime(time_unit="us") if kind == DATE else series)
    return pl.DataFrame(columns)


def now() -> str:
    """Return the time of day in UTC, ISO 8601, to the second."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
