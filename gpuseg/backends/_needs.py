"""What a fit needs: bytes where it works, and work. Plain arithmetic, so that nothing is loaded to decide.

Bytes on the CPU were measured as the growth of the peak of a process, seconds as its time on two cores of a virtual
machine: an estimate of the right size, not of the right digit. Bytes on the GPU were read in the sources of cuML
26.10 and in ours: none was measured.
"""

from collections.abc import Callable, Mapping
from math import log2
from typing import NamedTuple

PAIRS = 2048
"""Rows up to which HDBSCAN on the CPU works out all pairs: loading Numba and the loops takes longer."""
NEIGHBOURS = 100.0
"""Rows within eps of a row that are assumed where nobody has counted them: DBSCAN is of use from ten to thousands."""
STEPS = 20
"""Steps of Lloyd's algorithm that are assumed; ten to forty are usual at a tolerance of 1e-4."""


LEAST_SAMPLES, MOST_SAMPLES = 2, 1024
"""``min_samples`` of cuML's HDBSCAN, which takes one less of each, for it does not count the row itself."""
CROSSING = 16_384
"""Clusters * features above which scikit-learn's loop, a matrix product, is as fast as ours or faster.

Twenty steps from one start were, in float64 and float32, 2.4 and 1.9 times as fast as scikit-learn's at 4,096, 1.9 and
1.8 times at 16,384, and 0.8 and 0.7 times at 32,768 (50,000 to 200,000 rows, medians of three turns on 2 cores).
"""


class Task(NamedTuple):
    """A fit to be planned: the matrix, and the parameters that its needs depend on.

    ``neighbours`` is the mean number of rows within eps of a row. ``held`` names the backend that has the rows
    already. ``streamed``: the rows come block by block, from files or on workers, and never stand as one array: the
    memory of one machine does not bound them. ``weighted``: the rows have weights of their own.
    """

    algorithm: str
    rows: int
    columns: int
    itemsize: int = 8
    n_clusters: int = 8
    n_init: int = 1
    min_samples: int = 5
    neighbours: float = NEIGHBOURS
    solver: str = "auto"
    held: str | None = None
    streamed: bool = False
    weighted: bool = False

    @property
    def matrix(self) -> int:
        """Return the bytes of the matrix."""
        return self.rows * self.columns * self.itemsize


class Need(NamedTuple):
    """Bytes beside the matrix at the peak, multiplications in millions, and seconds where a rate was measured.

    ``against``: what the library cannot do of what is asked, None where it can do all.
    """

    working: int
    work: float
    seconds: float | None
    against: str | None = None


Estimate = Callable[[Task], Need]
MILLION = 1e6


def kmeans_work(task: Task) -> float:
    """Return the multiplications of ``n_init`` starts: greedy k-means++ of 2 + log2(k) candidates, then the steps."""
    a_start = task.n_clusters * (2 + log2(max(task.n_clusters, 1)) + STEPS)
    return task.rows * task.columns * task.n_init * a_start


def pairs_work(task: Task) -> float:
    """Return the multiplications of all pairs of rows."""
    return float(task.rows) ** 2 * task.columns


def _kmeans_cpu(task: Task) -> Need:
    # scikit-learn works on a centred copy of the rows; our loop copies none.
    wide = task.solver == "auto" and task.n_clusters * task.columns > CROSSING
    copies = 1 if (task.solver == "vendor" or wide) and not task.streamed else 0
    work = kmeans_work(task)
    # Beside fits of up to twenty steps in float64, 0.3 to 2 million rows by 4 to 32 columns and 4 to 32 clusters, on 2
    # cores, this was 0.6 to 1.6 times the time.
    seconds = task.rows * (1e-7 + 0.8e-7 * task.n_init) + 1.4e-10 * work
    return Need(task.rows * (0 if task.streamed else 120) + copies * task.matrix, work / MILLION, seconds)


def _dbscan_cpu(task: Task) -> Need:
    # scikit-learn keeps every row's list of neighbours, whose 8 bytes a number grow by doubling.
    working = task.rows * (250.0 + 8 * task.columns + 14 * min(task.neighbours, task.rows))
    # Measured at 2 to 16 columns: the share of the rows that a k-d tree looks at grows with the columns' square.
    visited = task.rows * min(0.5, task.columns**2 / 150)
    work = task.rows * max(visited, task.neighbours) * task.columns
    return Need(int(working), work / MILLION, task.rows * 5e-6 + 0.5e-9 * work)


def _hdbscan_cpu(task: Task) -> Need:
    # All pairs of few rows, else a k-d tree with up to 15 nearest rows a row. Measured at 2 to 30 columns and 20,000
    # to 300,000 rows with min_samples of 5 to 50: 0.7 to 1.3 times this.
    pairs = 20 * task.rows**2 if task.rows <= PAIRS else 0
    working = task.rows * (300 + 22 * task.columns) + pairs
    # The rows of the tree that a row looks at: of 100,000 a share that grows with the columns' square.
    visited = min(task.rows, task.columns**2 / 500 * 1e5 * (task.rows / 1e5) ** 0.3)
    work = task.rows * visited * task.columns
    return Need(working, work / MILLION, task.rows * 4e-6 + 0.3e-9 * work)


def _kmeans_cuda(task: Task) -> Need:
    # A float32 copy for cuML, labels, weights, and what seeding keeps beside each row.
    a_row = 0 if task.streamed else 100 + 4 * task.columns
    return Need(task.rows * a_row, kmeans_work(task) / MILLION, None)


def _dbscan_cuda(task: Task) -> Need:
    # The float32 copy and that of the ball cover, labels; the neighbour lists come in batches that fit what is free.
    return Need(task.rows * (100 + 8 * task.columns), pairs_work(task) / MILLION, None)


def _hdbscan_cuda(task: Task) -> Need:
    # The graph of nearest rows has 8 bytes for a number and 4 for a distance; the trees have a dozen numbers a row.
    working = task.rows * (200 + 4 * task.columns + 12 * task.min_samples)
    offered = LEAST_SAMPLES <= task.min_samples <= MOST_SAMPLES
    against = None if offered else f"takes min_samples of {LEAST_SAMPLES} to {MOST_SAMPLES}, not {task.min_samples}"
    if task.weighted:
        against = "takes no sample_weight for HDBSCAN"
    return Need(working, pairs_work(task) / MILLION, None, against)


CPU: Mapping[str, Estimate] = {"kmeans": _kmeans_cpu, "dbscan": _dbscan_cpu, "hdbscan": _hdbscan_cpu}
CUDA: Mapping[str, Estimate] = {"kmeans": _kmeans_cuda, "dbscan": _dbscan_cuda, "hdbscan": _hdbscan_cuda}

ADVICE: Mapping[str, str] = {
    "kmeans": "use fewer rows, float32 or solver='lloyd', or give Parquet files or a Dask array, which come in blocks",
    "dbscan": "use fewer rows or a smaller eps",
    "hdbscan": "use fewer rows or columns",
}
"""What a user can do where a fit needs more memory than there is."""
