"""GPU-accelerated customer segmentation: the public names, loaded when they are first used."""

import importlib
from typing import TYPE_CHECKING, Any

from gpuseg.settings import config

if TYPE_CHECKING:
    from gpuseg.cluster import (
        CLARANS,
        DBSCAN,
        DIANA,
        HDBSCAN,
        OPTICS,
        Agglomerative,
        Assignment,
        Birch,
        BisectingKMeans,
        KMeans,
        KMedoids,
        KPrototypes,
        MiniBatchKMeans,
    )
    from gpuseg.features import (
        CleaningReport,
        EventReport,
        JoinReport,
        behaviour,
        clean_transactions,
        customer_features,
        event_features,
        events,
        join_features,
        repeat_purchases,
        rfm,
        rfm_scores,
    )
    from gpuseg.interpret.personas import PersonaComparison, compare_personas
    from gpuseg.interpret.predictive import PredictiveValue, predictive_value
    from gpuseg.io import PartedTable, read_table, write_table
    from gpuseg.planning import Plan, plan
    from gpuseg.preprocessing import Preprocessor
    from gpuseg.segmenter import Segmenter, load
    from gpuseg.selection import DensityChoice, KChoice, choose_density, choose_k, k_distances

__version__ = "0.1.0"

_ROOMS = {
    "cluster": (
        "CLARANS", "DBSCAN", "DIANA", "HDBSCAN", "OPTICS", "Agglomerative", "Assignment", "Birch",
        "BisectingKMeans", "KMeans", "KMedoids", "KPrototypes", "MiniBatchKMeans",
    ),
    "features": (
        "CleaningReport", "EventReport", "JoinReport", "behaviour", "clean_transactions", "customer_features",
        "event_features", "events", "join_features", "repeat_purchases", "rfm", "rfm_scores",
    ),
    "interpret.personas": ("PersonaComparison", "compare_personas"),
    "interpret.predictive": ("PredictiveValue", "predictive_value"),
    "io": ("PartedTable", "read_table", "write_table"),
    "planning": ("Plan", "plan"),
    "preprocessing": ("Preprocessor",),
    "segmenter": ("Segmenter", "load"),
    "selection": ("DensityChoice", "KChoice", "choose_density", "choose_k", "k_distances"),
}  # fmt: skip
_HOMES = {name: f"gpuseg.{room}" for room, names in _ROOMS.items() for name in names}
"""Where each public name lives; importing gpuseg loads none of these."""
_MODULES = ("datasets", "metrics", "plot")
"""Modules whose functions are called by the module's name; they too are loaded when they are first used."""

__all__ = [
    "CLARANS", "DBSCAN", "DIANA", "HDBSCAN", "OPTICS", "Agglomerative", "Assignment", "Birch", "BisectingKMeans",
    "CleaningReport", "DensityChoice", "EventReport", "JoinReport", "KChoice", "KMeans", "KMedoids", "KPrototypes",
    "MiniBatchKMeans", "PartedTable", "PersonaComparison", "Plan", "PredictiveValue", "Preprocessor", "Segmenter",
    "__version__", "behaviour", "choose_density", "choose_k", "clean_transactions", "compare_personas", "config",
    "customer_features", "event_features", "events", "join_features", "k_distances", "load", "plan", "predictive_value",
    "read_table", "repeat_purchases", "rfm", "rfm_scores", "write_table",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"gpuseg.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'gpuseg' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES, *_MODULES})
