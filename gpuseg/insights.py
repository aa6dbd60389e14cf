"""The parts of what is known of segments beyond the profile, and how each comes of a fitted Segmenter."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from gpuseg.backends import to_host
from gpuseg.interpret.atypical import atypical
from gpuseg.interpret.importance import importance
from gpuseg.interpret.reachability import reachability_bars
from gpuseg.interpret.segment_map import segment_map
from gpuseg.interpret.stability import divided, stable_segments, undivided
from gpuseg.interpret.upper_tree import upper_tree
from gpuseg.metrics import segment_quality
from gpuseg.settings import MIN_REPORT_SIZE


def features_that_matter(segmenter: Any) -> dict[str, Any]:
    """Return which columns the segments hang on, before any was split: see ``gpuseg.interpret.importance``."""
    steps, model = segmenter.preprocessor_, segmenter.model_
    columns: dict[str, list[int]] = {}
    for at, column in enumerate(steps.feature_columns_.values()):
        columns.setdefault(str(column), []).append(at)
    return importance(segmenter.evidence_.matrix, columns, lambda rows: to_host(model.predict(rows)))


def quality_of_segments(segmenter: Any) -> list[dict[str, Any]]:
    """Return how good each segment is; nothing where there is one alone, or codes have no distances."""
    evidence = segmenter.evidence_
    if _codes(segmenter) or len(np.unique(evidence.segments[evidence.segments >= 0])) < 2:  # noqa: PLR2004
        return []
    found = segment_quality(evidence.matrix, evidence.segments)
    return found.filter(pl.col("segment") >= 0).to_dicts()


def _codes(segmenter: Any) -> Sequence[int]:
    """Return the features that hold codes of categories."""
    return getattr(segmenter.model_, "categorical", None) or ()


def map_of_segments(segmenter: Any) -> dict[str, Any] | None:
    """Return where the segments lie; None of few customers: see ``gpuseg.interpret.segment_map``."""
    evidence = segmenter.evidence_
    if evidence.customers < MIN_REPORT_SIZE:
        return None
    told = {"rows": evidence.customers, "features": evidence.features, "codes": _codes(segmenter)}
    return segment_map(evidence.matrix, evidence.segments, **told)


def segments_found_again(segmenter: Any) -> list[dict[str, Any]]:
    """Return how stable each segment is, as ``stability`` says: a row each."""
    evidence, into, inside = segmenter.evidence_, {}, {}
    for segment, split in segmenter.splits_.items():
        into[segment], inside[segment] = split.into, segments_found_again(split.segmenter)
    whole = undivided(evidence.segments, into)
    found = stable_segments(segmenter.model_, evidence.matrix, whole, evidence.customers)
    return divided([one._asdict() for one in found], into, inside)


PARTS: Mapping[str, Callable[[Any], Any]] = {
    "importance": features_that_matter,
    "quality": quality_of_segments,
    "map": map_of_segments,
    "tree": lambda segmenter: upper_tree(segmenter.model_),
    "reachability": lambda segmenter: reachability_bars(segmenter.model_),
    "rules": lambda segmenter: segmenter.rules().to_dict(),
    "atypical": lambda segmenter: atypical(segmenter.evidence_),
    "stability": segments_found_again,
}
"""What ``insight`` holds, and how each part of it comes of a fitted Segmenter: plain values, aggregates alone."""
