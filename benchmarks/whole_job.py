"""The whole job of a practitioner's script, by gpuseg: transactions to six features, a matrix, k of 2 to 10.

    python benchmarks/whole_job.py TRANSACTIONS.parquet [MATRIX.npy]

Prints seconds, and for each k inertia and silhouette; MATRIX.npy keeps the matrix.
"""

import datetime as dt
import sys
import time

import numpy as np
import polars as pl

from gpuseg import Preprocessor, choose_k, config, customer_features

FEATURES = ("recency", "tenure_days", "frequency", "monetary", "amount_mean", "amount_std")
SKEW = dict.fromkeys(FEATURES, "log") | {"recency": "none", "tenure_days": "none"}
MISSING = {"amount_std": "constant"}
"""A customer with one purchase has no standard deviation: the script takes 0."""


def matrix_of(path: str) -> np.ndarray:
    """Return recency and tenure in days, log1p of orders, sum, mean and deviation of the amounts, each standardised."""
    now = pl.scan_parquet(path).select(pl.col("ts").max()).collect().item() + dt.timedelta(days=1)
    customers, _ = customer_features(path, set=FEATURES, as_of=now)
    prepare = Preprocessor(columns=FEATURES, skew=SKEW, missing=MISSING, id_column=customers.columns[0])
    return prepare.fit_transform(customers)


def main(path: str, matrix: str | None) -> None:
    """Do the job and print seconds and scores."""
    start = time.perf_counter()
    with config(notices="off"):
        x = matrix_of(path)
    if matrix:
        np.save(matrix, x)
    middle = time.perf_counter()
    choice = choose_k(x, (2, 10), random_state=0)
    end = time.perf_counter()
    print(f"features {middle - start:.1f} s, sweep {end - middle:.1f} s")
    for k in choice.candidates:
        print(f"k {k.k}  inertia {k.inertia:.3f}  silhouette {k.silhouette:.4f}")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None)  # noqa: PLR2004
