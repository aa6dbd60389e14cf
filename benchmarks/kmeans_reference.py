"""Hold k-means against the published inertia and scikit-learn, 10 seeds and n_init=10 on every labelled set.

    python benchmarks/kmeans_reference.py FOLDER_OF_DATA [JSON]

A set passes where our median inertia is at most 1.001 times the larger of the two. Prints a row a set.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import polars as pl
from sklearn.cluster import KMeans as Reference

from gpuseg.card import versions
from gpuseg.cluster import KMeans

SEEDS = range(10)
STARTS = 10
ALLOWED = 1.001


def compared(x: np.ndarray, k: int, published: float) -> dict[str, float]:
    """Return median inertias, ratios and seconds of both over the seeds, taken in turns."""
    inertia: dict[str, list[float]] = {"ours": [], "sklearn": []}
    seconds: dict[str, list[float]] = {"ours": [], "sklearn": []}
    for seed in SEEDS:
        for name, estimator in (("ours", KMeans), ("sklearn", Reference)):
            began = time.perf_counter()
            model = estimator(k, n_init=STARTS, random_state=seed).fit(x)
            seconds[name].append(time.perf_counter() - began)
            inertia[name].append(float(model.inertia_))
    ours, theirs = (float(np.median(inertia[name])) for name in ("ours", "sklearn"))
    return {
        "ours": ours,
        "sklearn": theirs,
        "published": published,
        "ratio": ours / max(theirs, published),
        "ours_s": float(np.median(seconds["ours"])),
        "sklearn_s": float(np.median(seconds["sklearn"])),
    }


def main(folder: Path, output: Path | None) -> int:
    """Compare on every set; return how many fail."""
    rows = []
    for row in pl.read_csv(folder / "reference" / "published_kmeans_inertia.csv").to_dicts():
        x = np.loadtxt(folder / "benchmarks" / row["battery"] / f"{row['dataset']}.data.gz", ndmin=2)
        found = compared(x, row["k"], row["kmeans_inertia_of_published_labels"])
        rows.append({"name": row["dataset"], "k": row["k"], "passes": found["ratio"] <= ALLOWED, **found})
        print(
            "{name:18} k={k:<4} ratio {ratio:.6f}  {ours_s:.3f} s / {sklearn_s:.3f} s  {passes}".format(**rows[-1]),
            flush=True,
        )
    if output:
        output.write_text(json.dumps({"versions": versions(), "rows": rows}, indent=1))
    failed = sum(not row["passes"] for row in rows)
    print(f"{len(rows) - failed} of {len(rows)} pass")
    return failed


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None))  # noqa: PLR2004
