"""Time k-means beside scikit-learn's, whole fits in turns, with the inertia of both.

    python benchmarks/kmeans_time.py [JSON]

Prints a row a size: medians of five seeds and their ratios.
"""

import json
import statistics
import sys
import time
from pathlib import Path

import numpy as np
from sklearn.cluster import KMeans as Reference

from gpuseg.card import versions
from gpuseg.cluster import KMeans

SIZES = [(4_000, 3, 6, 10), (100_000, 6, 8, 3), (500_000, 12, 8, 1)]
"""Rows, features, clusters, starts."""
SEEDS = range(5)


def compared(rows: int, features: int, clusters: int, starts: int) -> dict[str, float]:
    """Return medians of seconds and inertia of both, on rows around as many centres as are looked for."""
    rng = np.random.default_rng(0)
    centers = rng.normal(size=(clusters, features)) * 2
    x = centers[rng.integers(clusters, size=rows)] + rng.normal(size=(rows, features))
    seconds: dict[str, list[float]] = {"ours": [], "sklearn": []}
    inertia: dict[str, list[float]] = {"ours": [], "sklearn": []}
    for seed in SEEDS:
        for name, estimator in (("ours", KMeans), ("sklearn", Reference)):
            began = time.perf_counter()
            model = estimator(clusters, n_init=starts, random_state=seed).fit(x)
            seconds[name].append(time.perf_counter() - began)
            inertia[name].append(float(model.inertia_))
    ours, theirs = (statistics.median(seconds[name]) for name in ("ours", "sklearn"))
    score = statistics.median(inertia["ours"]) / statistics.median(inertia["sklearn"])
    return {"ours_s": ours, "sklearn_s": theirs, "time_ratio": ours / theirs, "inertia_ratio": score}


def main(output: Path | None) -> None:
    """Compare at every size."""
    table = []
    for size in SIZES:
        table.append({"size": size, **compared(*size)})
        print(
            "{size}  ours {ours_s:.3f} s  scikit-learn {sklearn_s:.3f} s  ratio {time_ratio:.2f}  "
            "inertia {inertia_ratio:.6f}".format(**table[-1]),
            flush=True,
        )
    if output:
        output.write_text(json.dumps({"versions": versions(), "rows": table}, indent=1))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
