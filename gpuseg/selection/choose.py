"""How many segments: the one function for every algorithm that is told a number."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from gpuseg.cluster import ALGORITHMS, Clusterer, KMeans
from gpuseg.errors import InvalidInput, unknown
from gpuseg.selection.choice import KChoice
from gpuseg.selection.others import chosen
from gpuseg.selection.sweep import choose
from gpuseg.selection.terms import DEFAULT, Terms

SHARED = {"backend": "auto", "engine": "auto"}
"""Parameters that every algorithm has."""


def choose_k(
    x: Any,
    k_range: Sequence[int] = (2, 12),
    *,
    algorithm: str = "kmeans",
    criteria: Sequence[str] = DEFAULT,
    min_share: float | None = None,
    max_segments: int | None = None,
    must_separate: Any = None,
    random_state: Any = 0,
    **parameters: Any,
) -> KChoice:
    """Return the recommended number of segments, the reason in a sentence, and a table of what each k gives.

    ``x``: (n_samples, n_features), scaled: what the algorithm takes. ``k_range``: a pair, both ends in, or a ``range``.
    ``algorithm``: one that is told the number, of ``gpuseg algorithms``; ``parameters`` go to it. Trees are fitted once
    and cut; others but k-means are tried on 3,000 rows.

    Of every k there is inertia, the silhouette with its standard error, Calinski-Harabasz, Davies-Bouldin and the
    smallest share; ``criteria`` adds "stability" (Hennig 2007: the Jaccard similarity of each segment to its best match
    in 20 fits of resampled rows, of at most 1,000; in 5 where those show that one dissolves), "separability" (how well
    a shallow tree tells the segments of rows that it has not seen) and "gap" (Tibshirani, Walther and Hastie 2001).

    Recommended is the k of the most segments that are all stable, Jaccard .75 and more, among those whose silhouette
    is at least .9 of the highest; where none is, that of the highest product of silhouette and mean stability. Without
    "stability" it is the fewest segments whose silhouette the rows do not tell from the best one's.

    Limits leave out what a business cannot use. ``min_share``: of the customers that the smallest segment has at least.
    ``max_segments``: no more are tried. ``must_separate``: pairs of row numbers that are not to be in the same segment,
    as in ``[(0, 7)]``, or a level a row, as an array of persona names, no two of which are to have the most of their
    rows in the same segment. What a limit costs is in the reason.

    k-means takes ``n_init`` starts for each k, shared, and above 25,000 rows tried on a sample first, from which the
    best go on to all rows, and scores the same ``sample_size`` rows for every k. A k above the number of distinct rows
    warns and makes fewer segments; the table has that number, once. Raises InvalidInput for a range that is none, for
    more segments than rows, where no k has two segments among the sampled rows, and where no k meets the limits.

    >>> import numpy as np
    >>> x = np.concatenate([np.random.default_rng(0).normal(at, 1.0, (50, 2)) for at in (0, 10, 20)])
    >>> choice = choose_k(x, k_range=(2, 6))
    >>> choice.k, choice.table.columns[:6]
    (3, ['k', 'inertia', 'silhouette', 'standard_error', 'calinski_harabasz', 'davies_bouldin'])
    """
    of = told_number(algorithm)
    terms = Terms(criteria, min_share, max_segments, must_separate, every=True)
    if of is KMeans:
        return choose(x, tried(k_range), terms=terms, random_state=random_state, **parameters).choice
    shared = {name: parameters.pop(name, value) for name, value in SHARED.items()}
    shared["random_state"] = random_state
    return chosen(x, of, tried(k_range), shared=shared, own=parameters, terms=terms).choice


def told_number(algorithm: str) -> type[Clusterer]:
    """Return the algorithm of a name; raise InvalidInput for one that is not told the number of segments."""
    takers = [name for name, one in ALGORITHMS.items() if "n_clusters" in one().get_params(deep=False)]
    if algorithm in takers:
        return ALGORITHMS[algorithm]
    if algorithm in ALGORITHMS:
        raise InvalidInput(f"algorithm={algorithm!r} finds the number of segments itself; give one of {takers}")
    raise unknown("algorithm", algorithm, takers)


def tried(k_range: Sequence[int]) -> Sequence[int]:
    """Return the numbers of segments of a pair of ends, both in, or of a range.

    >>> list(tried((2, 5))), list(tried(range(2, 9, 3)))
    ([2, 3, 4, 5], [2, 5, 8])
    """
    if isinstance(k_range, range) and len(k_range) and min(k_range) >= 1:
        return k_range
    ends = list(k_range) if isinstance(k_range, tuple | list) else []
    whole = [int(k) for k in ends if isinstance(k, int | np.integer) and not isinstance(k, bool)]
    if len(ends) != 2 or len(whole) != 2 or not 2 <= whole[0] <= whole[1]:  # noqa: PLR2004 - a pair; a choice needs two segments
        raise InvalidInput(f"k_range={k_range!r} is no range; give two whole numbers from 2 up, as in (2, 12)")
    return range(whole[0], whole[1] + 1)
