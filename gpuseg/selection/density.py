"""How dense segments are to be: which min_cluster_size of HDBSCAN, which eps of DBSCAN, and why.

Every value is tried on one tree of a sample of the rows, and on one tree of each resample of it: no fit is repeated.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gpuseg._checks import check_count, check_number
from gpuseg._estimator import seed_of
from gpuseg.backends import to_host
from gpuseg.cluster import HDBSCAN, KMeans
from gpuseg.cluster._cuts import DensityTree, density_tree, labels_of_size, labels_within
from gpuseg.cluster._sized import scaled
from gpuseg.errors import InvalidInput, unknown
from gpuseg.selection.density_choice import DensityChoice, DensityLimits, recommended
from gpuseg.selection.density_tries import Cut, Sampled, candidates_of
from gpuseg.selection.distances import MIN_SAMPLES, SAMPLE, knee_of, rounded
from gpuseg.selection.limits import check_limits
from gpuseg.selection.terms import Terms

LEAST = 5
"""Rows of the sample in the smallest segment that is tried."""
SHARES = (0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2)
"""Least sizes that are tried, as shares of the rows: from a niche to a fifth of the customers."""
RANKS = (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.93, 0.95, 0.97, 0.98, 0.99, 0.995)
"""Shares of rows that are core points at the eps tried, which lie closest where the curve turns."""
TOO_FEW = 1.5
"""Rows of the sample that ``min_samples`` must come to: 2 are the fewest that a distance can be asked of."""
CURVE = 201
"""Quantiles of the distances that are kept: aggregates, whatever the number of rows."""
AUTO = "auto"
"""The value of a parameter that is to be chosen."""
OPTIONS = {
    "hdbscan": {"cluster_selection_method": "method", "cluster_selection_epsilon": "epsilon",
                "allow_single_cluster": "allow_single_cluster"},
    "dbscan": {},
}  # fmt: skip
"""Parameters of each algorithm that its candidates are tried with, by their names in ``cluster._cuts``."""
DENSITY = {"hdbscan": "min_cluster_size", "dbscan": "eps"}
"""What is chosen for each algorithm."""


def choose_density(  # noqa: PLR0913 - one parameter a decision of the user's
    x: Any,
    algorithm: str = "hdbscan",
    *,
    values: Sequence[float] | None = None,
    min_samples: int | None = None,
    min_share: float | None = None,
    max_segments: int | None = None,
    max_noise: float | None = None,
    sample_size: int = SAMPLE,
    random_state: Any = 0,
    backend: str = "auto",
    engine: Any = "auto",
    **parameters: Any,
) -> DensityChoice:
    """Return the recommended min_cluster_size of HDBSCAN or eps of DBSCAN, the reason, and what each value gives.

    ``x``: (n_samples, n_features), scaled. ``values``: those to try, in rows of ``x`` or in its units; left out, sizes
    of 0.3% to 20% of the rows, or eps at which half to nearly all rows are core points. ``min_samples``: left out, 5
    rows, of a sample of ``x`` as many more as it is smaller. ``parameters``: HDBSCAN's cluster_selection_method,
    cluster_selection_epsilon and allow_single_cluster.

    Above ``sample_size`` rows a random sample is tried, in this process. Recommended is the highest DBCV (Moulavi et
    al. 2014, of 3,000 rows at most) among the values whose segments are found again in 20 resamples: by a mean Jaccard
    of 0.75 or more (Hennig, CSDA 52, 2007; rows drawn twice count once: they would look dense). ``min_share`` (of the
    smallest segment), ``max_segments`` and ``max_noise`` (a share of the rows) leave out what is beyond them. Raises
    InvalidInput where no value makes two segments, where none keeps within the limits, and for too few rows.

    >>> x = np.concatenate([np.random.default_rng(0).normal(at, 0.5, (50, 2)) for at in (0, 5, 9)])
    >>> choice = choose_density(x, "hdbscan", values=[10, 40])
    >>> choice.value, choice.table["segments"].to_list()
    (10, [3, 3])
    """
    if algorithm not in DENSITY:
        raise unknown("algorithm", algorithm, DENSITY)
    for name in parameters:
        if name not in OPTIONS[algorithm]:
            raise unknown(f"parameter of {algorithm}", name, OPTIONS[algorithm])
    if algorithm == "hdbscan":
        HDBSCAN(**parameters)._check_parameters()  # noqa: SLF001 - before any work
    limits = _limits(min_share, max_segments, max_noise)
    seed = seed_of(random_state)
    sampled = _sampled(x, min_samples, sample_size, seed, backend=backend, engine=engine)
    tree = density_tree(sampled.rows, sampled.min_samples)
    parameter, cut = DENSITY[algorithm], _cut(algorithm, parameters)
    given = _given(parameter, values, sampled) if values is not None else _values(parameter, tree, sampled)
    candidates = candidates_of(tree, sampled, given, cut, seed)
    curve = np.quantile(tree.core, np.linspace(0, 1, CURVE)) if parameter == "eps" else None
    knee = None if curve is None else rounded(knee_of(curve))
    taken, reason = recommended(parameter, candidates, limits, knee=knee)
    if sampled.share < 1:
        reason += f"; tried on a sample of {len(sampled.rows):,} rows"
    told = None if curve is None else curve.tolist()
    return DensityChoice(parameter, taken.value, sampled.of_all, reason, candidates, told, knee)


def is_chosen(algorithm: str, own: Mapping[str, Any]) -> bool:
    """Return whether an algorithm's own parameters leave it to be chosen how dense segments are.

    >>> is_chosen("dbscan", {"eps": "auto"}), is_chosen("dbscan", {"eps": 0.5}), is_chosen("kmeans", {})
    (True, False, False)
    """
    asked = own.get(DENSITY.get(algorithm, ""))
    return isinstance(asked, str) and asked == AUTO


def density_for(
    x: Any, algorithm: str, *, shared: Mapping[str, Any], own: Mapping[str, Any], terms: Terms
) -> DensityChoice:
    """Return the choice for an algorithm that is fitted with ``shared`` parameters and the user's ``own``."""
    taken = {name: value for name, value in own.items() if name in (*OPTIONS[algorithm], "min_samples")}
    return choose_density(x, algorithm, min_share=terms.min_share, max_segments=terms.max_segments, **shared, **taken)


def _limits(min_share: float | None, max_segments: int | None, max_noise: float | None) -> DensityLimits:
    check_limits(min_share, max_segments)
    if max_noise is not None:
        check_number("max_noise", max_noise, low=0.0)
    return DensityLimits(min_share, max_segments, max_noise)


def _sampled(x: Any, min_samples: int | None, sample_size: int, seed: int, *, backend: str, engine: Any) -> Sampled:
    """Return a sample of the rows, wherever they are; raise InvalidInput where they are too few."""
    check_count("sample_size", sample_size, low=2 * MIN_SAMPLES)
    if min_samples is not None:
        check_count("min_samples", min_samples)
    run = KMeans(1, backend=backend, engine=engine).prepare(x)
    rows, count = to_host(run.sample(sample_size, seed)), run.data.rows
    share = len(rows) / count
    of_all = round(MIN_SAMPLES / share) if min_samples is None else int(min_samples)
    if share < 1 and of_all * share < TOO_FEW:
        raise InvalidInput(
            f"min_samples={of_all} of {count:,} rows is less than two of the {len(rows):,} that values are tried on; "
            f"give at least {int(np.ceil(TOO_FEW / share))}, a larger sample_size, or leave it out"
        )
    here = of_all if share == 1 else scaled(of_all, share)
    if len(rows) < 2 * max(here, LEAST):
        raise InvalidInput(
            f"{len(rows)} rows are too few to choose by with min_samples={here}; give at least {2 * max(here, LEAST)}"
        )
    return Sampled(rows, share, here, of_all)


def _cut(algorithm: str, parameters: Mapping[str, Any]) -> Cut:
    """Return what gives an algorithm's labels of a tree."""
    if algorithm == "dbscan":
        return lambda tree, eps, _: labels_within(tree, eps)
    named = {OPTIONS[algorithm][name]: value for name, value in parameters.items()}
    return lambda tree, size, share: labels_of_size(tree, scaled(int(size), share), **named)


def _values(parameter: str, tree: DensityTree, sampled: Sampled) -> list[float]:
    """Return the values to try, of all rows."""
    count = len(tree.rows)
    if parameter == "min_cluster_size":
        sizes = {max(LEAST, round(share * count)) for share in SHARES}
        return sorted(round(size / sampled.share) for size in sizes if 2 * size <= count)
    apart = tree.core[tree.core > 0]
    if not apart.size:
        raise InvalidInput(
            f"every row equals {sampled.min_samples - 1} others, so that no eps tells segments apart; use hdbscan, or "
            "give more columns"
        )
    return sorted({rounded(eps) for eps in np.quantile(apart, RANKS).tolist()})


def _given(parameter: str, values: Sequence[float], sampled: Sampled) -> list[float]:
    """Return the values that a user gives, checked, in order."""
    rows = round(len(sampled.rows) / sampled.share)
    if not len(values):
        raise InvalidInput(f"values={values!r} holds nothing to try; give some of {parameter}, or leave it out")
    for value in values:
        if parameter == "eps":
            check_number("eps", value, low=0.0, above=True)
            continue
        check_count("min_cluster_size", value, low=2)
        if 2 * value > rows:
            raise InvalidInput(
                f"min_cluster_size={value} leaves no room for two segments in {rows:,} rows; give at most {rows // 2:,}"
            )
    return sorted({float(value) if parameter == "eps" else int(value) for value in values})
