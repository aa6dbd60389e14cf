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
EXACT_MEDOIDS, SAMPLED_MEDOIDS = 20_000, 8192
"""Rows up to which KMedoids looks at all pairs unasked, in some seconds a start, and rows of a sample of more.

On 200,000 rows by 4 to 8 columns in 10 to 50 segments, four sets, the best of five samples was above that of samples of
8,192 by 0.2 to 1.3 % with 4,096 rows, by 2 to 9 % with 500, and by 4 to 13 % with 80 + 4 k; one sample of 8,192 was
above it by 0.4 % at most, and better than five of 4,096 in less time.
"""
SKETCHED = 65_536
"""Distinct rows up to which KPrototypes moves all of them one by one, and so many that it searches of more for a start.

On three sets of 200,000 rows by 4 numbers and 4 categories in 8 segments the cost was that of all rows moved one by
one, to 1e-8.
"""
ROUNDS = 3
"""Rounds over all points that FasterPAM is assumed to take: two to four are usual."""
STEPS = 20
"""Steps of Lloyd's algorithm that are assumed; ten to forty are usual at a tolerance of 1e-4."""


LEAST_SAMPLES, MOST_SAMPLES = 2, 1024
"""``min_samples`` of cuML's HDBSCAN, which takes one less of each, for it does not count the row itself."""
CROSSING = 16_384
"""Clusters * features above which scikit-learn's loop, a matrix product, is as fast as ours or faster.

Twenty steps from one start were, in float64 and float32, 2.4 and 1.9 times as fast as scikit-learn's at 4,096, 1.9 and
1.8 times at 16,384, and 0.8 and 0.7 times at 32,768 (50,000 to 200,000 rows, medians of three turns on 2 cores).
"""

DIGEST = 500
"""Points of a digest that a k-d tree looks at to find a row's nearest, in some eight dimensions."""


class Task(NamedTuple):
    """A fit to be planned: the matrix, and the parameters that its needs depend on.

    ``neighbours`` is the mean number of rows within eps of a row. ``held`` names the backend that has the rows
    already. ``streamed``: the rows come block by block, from files or on workers, and never stand as one array: the
    memory of one machine does not bound them. ``linkage`` and ``metric`` are those of a tree of merges; ``weighted``:
    the rows have weights of their own.
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
    linkage: str = "ward"
    metric: str = "euclidean"
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


def _bisecting_cpu(task: Task) -> Need:
    # Beside all rows those of the segment that is halved: at most all of them but one. Of 600,000 by 8 columns in 8
    # segments 65 bytes a row more than k-means.
    need = _kmeans_cpu(task)
    return need._replace(working=need.working + (0 if task.streamed else task.matrix + 8 * task.rows))


def _dbscan_cpu(task: Task) -> Need:
    # scikit-learn keeps every row's list of neighbours, whose 8 bytes a number grow by doubling.
    working = task.rows * (250.0 + 8 * task.columns + 14 * min(task.neighbours, task.rows))
    # Measured at 2 to 16 columns: the share of the rows that a k-d tree looks at grows with the columns' square.
    visited = task.rows * min(0.5, task.columns**2 / 150)
    work = task.rows * max(visited, task.neighbours) * task.columns
    return Need(int(working), work / MILLION, task.rows * 5e-6 + 0.5e-9 * work)


def _hdbscan_cpu(task: Task) -> Need:
    # All pairs of few rows, else a k-d tree with up to 15 nearest rows a row. Measured at 2 to 30 columns and 20,000
    # to 300,000 rows with min_samples of 5 to 50: 0.7 to 1.3 times this; and of 5 to 500 at 50,000 rows of 5 and 12.
    pairs = 20 * task.rows**2 if task.rows <= PAIRS else 0
    working = task.rows * (300 + 22 * task.columns) + pairs
    # The rows of the tree that a row looks at: of 100,000 a share that grows with the columns' square.
    visited = min(task.rows, task.columns**2 / 500 * 1e5 * (task.rows / 1e5) ** 0.3)
    work = task.rows * visited * task.columns
    seconds = task.rows * (4e-6 + 1.3e-7 * task.min_samples) + 0.3e-9 * work
    return Need(working, work / MILLION, seconds)


def _digest(task: Task) -> Need:
    # Two walks look for each row's nearest of some thousand points; labels, distances and weights are kept a row.
    return Need(task.rows * (0 if task.streamed else 60), 2 * task.rows * task.columns * DIGEST / MILLION, None)


PAIRS_SECONDS: Mapping[str, tuple[float, float]] = {
    "ward": (2.2e-9, 3.9e-10),
    "average": (2.5e-8, 2.5e-10),
    "complete": (2.5e-8, 2.5e-10),
    "single": (1.0e-9, 1.1e-10),
    "diana": (1.1e-8, 5.0e-10),
}
"""Seconds a pair of rows, and more for each column: of normal rows, 8,192 and 20,000 by 2 to 50, on one busy core.

The cells of average and complete linkage leave the caches: 1.3e-8 a pair at 8,192 rows, 3e-8 at 20,000. Rows that DIANA
splits off one by one, each far from the rest, take ten times as long.
"""


def _birch_cpu(task: Task) -> Need:
    # Labels, distances and what their quantiles take: 46 bytes a row of 600,000 by 8; blocks are sorted one by one, and
    # the subclusters are few. Time measured at 2 and 8 columns; a row meets some 128 entries on its way down the tree
    # and to its nearest subcluster.
    work = task.rows * task.columns * 128.0
    return Need(task.rows * (0 if task.streamed else 60), work / MILLION, task.rows * 2e-6 + 1e-9 * work)


def _kprototypes_cpu(task: Task) -> Need:
    # Starts and what is tried after them on up to 65,536 distinct rows, then some steps of all rows, which are coded
    # here in memory. Measured at 20,000 to a million rows by 4 to 16 columns in 8 and 30 segments, by the time of the
    # cores: 0.5 to 2 times this.
    searched = 10 * kmeans_work(task._replace(rows=min(task.rows, SKETCHED)))
    steps = float(task.rows) * task.columns * task.n_clusters * STEPS
    working = 0 if task.streamed else task.rows * (90 + 20 * task.columns)
    seconds = 1.5e-9 * searched + 0.5e-9 * steps + task.rows * 1e-6
    return Need(working, (searched + steps) / MILLION, seconds)


def _agglomerative_cpu(task: Task) -> Need:
    # Average and complete linkage hold half of all pairs; the others, and a tree, a few numbers a row.
    cells = 4 * task.rows**2 if task.linkage in ("average", "complete") else 0
    return Need(cells + _points(task), pairs_work(task) / MILLION, _pairs_seconds(task, task.linkage))


def _diana_cpu(task: Task) -> Need:
    # Of each row its 16 farthest ones and how far they are.
    return Need(_points(task) + 300 * task.rows, pairs_work(task) / MILLION, _pairs_seconds(task, "diana"))


def _pairs_seconds(task: Task, name: str) -> float:
    a_pair, a_column = PAIRS_SECONDS[name]
    columns = 0 if task.metric == "precomputed" else task.columns
    return float(task.rows) ** 2 * (a_pair + a_column * columns)


def _points(task: Task) -> int:
    """Return the bytes of what stands beside the rows for trees of merges."""
    copies = 0 if task.metric == "precomputed" else 24 * task.columns
    return task.rows * (400 + copies)


def _optics_cpu(task: Task) -> Need:
    # The rows as float64 and in blocks, a k-d tree, the plot as lists; neighbours come in cuts of a million. Beside
    # fits of 5,000 to 100,000 rows by 2 to 16 columns and 5 to 50 samples this was 1.2 to 5 times the bytes, and 0.6
    # to 2.3 times the seconds: box by box, the walk leaves out more of the pairs the fewer columns there are.
    cells = min(task.rows * task.min_samples, 1e6)
    working = task.rows * (400.0 + 40 * task.columns) + 80 * cells
    work = pairs_work(task)
    return Need(int(working), work / MILLION, task.rows * 5e-6 + 0.5e-9 * work)


def _kmedoids_cpu(task: Task) -> Need:
    return _medoids(task, lambda rows: ROUNDS * float(rows))


def _clarans_cpu(task: Task) -> Need:
    # Every row that is drawn passes over all; five to nine times as many are drawn as have to fail in a row.
    return _medoids(task, lambda rows: 6.0 * max(250.0, 0.0125 * task.n_clusters * (rows - task.n_clusters)))


def _medoids(task: Task, passes: Callable[[int], float]) -> Need:
    """Return what medoids need of which each attempt takes so many ``passes`` over the rows that it looks at."""
    sampled = task.solver == "sample" or (task.solver == "auto" and task.rows > EXACT_MEDOIDS)
    rows = min(task.rows, SAMPLED_MEDOIDS) if sampled else task.rows
    need = _attempts(task, rows, passes(rows))
    if not sampled:
        return need
    # One walk for the losses of all samples' medoids, and one with the best.
    walks = float(task.rows) * task.n_clusters * task.columns * (task.n_init + 1)
    beside = 0 if task.streamed else 60 * task.rows
    return Need(need.working + beside, need.work + walks / MILLION, (need.seconds or 0.0) + 1e-9 * walks)


def _attempts(task: Task, rows: int, passes: float) -> Need:
    """Return what so many passes over all points a start need, with distances worked out on the way."""
    given = task.solver == "precomputed"
    columns = 1 if given else task.columns
    pairs = passes * rows * task.n_init
    # Between the time on two cores that little else used and on two that much did: seconds of the right size.
    return Need(rows * (250 + 24 * columns), pairs * columns / MILLION, pairs * (2.6e-9 + 0.18e-9 * columns))


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


CPU: Mapping[str, Estimate] = {
    "kmeans": _kmeans_cpu,
    "bisectingkmeans": _bisecting_cpu,
    "minibatchkmeans": _kmeans_cpu,
    "dbscan": _dbscan_cpu,
    "hdbscan": _hdbscan_cpu,
    "kmedoids": _kmedoids_cpu,
    "clarans": _clarans_cpu,
    "optics": _optics_cpu,
    "birch": _birch_cpu,
    "kprototypes": _kprototypes_cpu,
    "agglomerative": _agglomerative_cpu,
    "diana": _diana_cpu,
    "digest": _digest,
}
CUDA: Mapping[str, Estimate] = {
    "kmeans": _kmeans_cuda,
    "bisectingkmeans": _kmeans_cuda,
    "minibatchkmeans": _kmeans_cuda,
    "dbscan": _dbscan_cuda,
    "hdbscan": _hdbscan_cuda,
    "digest": _digest,
}

ADVICE: Mapping[str, str] = {
    "kmeans": "use fewer rows, float32 or solver='lloyd', or give Parquet files or a Dask array, which come in blocks",
    "bisectingkmeans": "use fewer rows or float32, or give Parquet files or a Dask array, which come in blocks",
    "minibatchkmeans": "use fewer rows or float32, or give Parquet files or a Dask array, which come in blocks",
    "digest": "use fewer rows, or give Parquet files or a Dask array, which come in blocks",
    "dbscan": "use fewer rows or a smaller eps",
    "hdbscan": "use fewer rows or columns",
    "birch": "use fewer rows, or give Parquet files or a Dask array, which come in blocks",
    "kprototypes": "use fewer rows, or give Parquet files or a Dask DataFrame, which come in blocks",
    "agglomerative": "use fewer rows, or linkage='ward' or 'single', which hold no distances of pairs",
    "diana": "use fewer rows",
    "optics": "use fewer rows, or KMeans, which takes rows in blocks",
    "kmedoids": "use fewer rows, or method='sample'",
    "clarans": "use fewer rows, or method='sample'",
}
"""What a user can do where a fit needs more memory than there is."""
