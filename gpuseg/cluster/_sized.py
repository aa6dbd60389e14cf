"""Exact or by a digest: which of the two a fit takes, said aloud, and how far a digest is from an exact fit."""

from collections.abc import Callable, Sequence
from math import ceil
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np

from gpuseg._checks import check_count
from gpuseg._estimator import check_seed
from gpuseg.backends import Array, Backend, Host, Kernel, choose, get_backend, to_host, verdicts
from gpuseg.cluster._assignment import order_ids
from gpuseg.cluster._base import Dispatch, Work, in_callers_library, seed_of
from gpuseg.cluster._labelled import Labelled, renumbered
from gpuseg.cluster._nearest import Placer
from gpuseg.cluster._quantiles import quantiles_of
from gpuseg.cluster._training import weights_of
from gpuseg.engines import Block, Blocks, Site, blocks_of, is_dask, site_of
from gpuseg.errors import DigestRefused, InvalidInput, unknown
from gpuseg.metrics import adjusted_rand
from gpuseg.neighbors.centers import add, sums_of
from gpuseg.neighbors.groups import sums_by
from gpuseg.neighbors.sample import sampled
from gpuseg.settings import log
from gpuseg.summary import SLACK, MicroClusters, digest_of, rows_as_points
from gpuseg.summary.digest import rows_and_weights

HOST = "cpu"
"""Where the points of a digest are worked on."""
METHODS = ("auto", "exact", "digest")
EXACT_SECONDS = 60.0
"""Seconds that an exact fit is estimated to take at most under method="auto"."""
MOST_POINTS = 32_768
"""Points of a digest at most, unless ``n_micro`` asks for more: what a method of pairs does with in a minute."""
CHECKED = 5000
"""Rows of the sample that an exact fit is made of, beside a digest, to measure how far the digest is from it."""
TOLD = 2
"""Rows of positive weight in that sample without which it tells nothing, as fewer than segments asked for."""
MOST_ERROR = 0.25
"""The error of a digest above which method="auto" refuses it: a quarter of the agreement beyond chance is gone."""


class Sized(NamedTuple):
    """What is worked on, the points that an algorithm learns from, the backend that it does on, and why no exact fit.

    ``why`` is None where the points are the rows. ``engine``: what read them. ``given``: Dask input or files whose few
    rows were brought here, and whose labels are those that ``predict`` gives, lazy for Dask; else None.
    """

    work: Work
    points: MicroClusters
    backend: Backend
    why: str | None
    engine: str
    given: Any = None


class SizedClusterer(Placer):
    """The base of methods whose exact fit does not go beyond some ten thousand rows; larger ones take a digest.

    A subclass has parameters ``method``, ``n_micro`` and ``random_state``. ``kept`` names the points that its model
    places rows by and their segments, ``numbers`` more that holds segments' numbers, ``a_row`` what a row gets,
    ``a_segment`` what is kept of each segment, ``counted`` the parameters that count rows.
    """

    method: str
    n_micro: int
    random_state: Any
    n_clusters_: int
    exact_: bool
    in_blocks: ClassVar[bool] = True
    beyond: ClassVar[str] = "digest"
    kept: ClassVar[tuple[str, str]]
    numbers: ClassVar[tuple[str, ...]] = ()
    a_row: ClassVar[tuple[str, ...]] = ("labels_",)
    a_segment: ClassVar[tuple[str, ...]] = ("distance_quantiles_", "segment_weight_")
    counted: ClassVar[tuple[str, ...]] = ()
    sized: ClassVar[tuple[str, ...]] = ("exact_", "digest_size_", "digest_error_")

    def _check_method(self) -> None:
        if self.method not in METHODS:
            raise unknown("method", self.method, METHODS)
        check_count("n_micro", self.n_micro, low=2)
        check_seed(self.random_state)

    def _sized(self, x: Any, sample_weight: Any) -> Sized:
        """Return the rows, or a digest of them where an exact fit has no room or takes too long."""
        sized = self._points_of(x, sample_weight)
        self._refuse_few(sum(sized.work.blocks.sizes), float(np.sum(sized.points.weight)))
        return sized

    def _refuse_few(self, rows: int, weight: float) -> None:
        """Raise InvalidInput where a parameter asks for more rows than there are, by weight."""
        for name in self.counted:
            asked = getattr(self, name)
            if asked is None or weight >= asked * (1 - SLACK):
                continue
            found = f"n_samples={rows}" if weight == rows else f"n_samples={rows} with weights of {weight:g} in all"
            raise InvalidInput(
                f"{name}={asked} is asked of too few rows, {found}; pass at least {asked} rows or a smaller {name}"
            )

    def _points_of(self, x: Any, sample_weight: Any) -> Sized:
        """Return what ``_sized`` does, of rows that may be too few."""
        site = site_of(self.engine, lazy=is_dask(x))
        blocks = self._blocks(x, sample_weight, site, reset=True)
        why = self._no_exact(blocks, site.name)
        if why is None:
            return self._all_rows(blocks, site, x)
        log.info("%s takes a digest: %s", type(self).__name__, why)
        work = self._work(blocks, site, fit=None, task=self._task(blocks)._replace(algorithm="digest"), reset=True)
        weighted = blocks.weights[0] is not None
        weight = float(work.engine.reduce(sums_of, add)[1] if weighted else sum(blocks.sizes))
        count = self._points(sum(blocks.sizes), weight)
        points = digest_of(work.engine, work.backend, count, seed_of(self.random_state))
        # Refused here where the backend asked for by name offers no such fit. Points are the host's work: they have
        # weights, and are few.
        offered = choose(points.rows, self.backend, fit=self._fit_name).backend
        there = f"{why}, whose points are worked on on the host" if offered.name != HOST else why
        return Sized(work, points, get_backend(HOST), there, site.name)

    def _all_rows(self, blocks: Blocks, site: Site, given: Any) -> Sized:
        """Return all rows in this process: few that are in blocks are brought here, and fitted as those in memory."""
        here, rows = blocks, sum(blocks.sizes)
        if not blocks.in_memory:
            here = brought(self._work(blocks, site, fit=None, task=None, reset=True))
        work = self._work(here, site_of("local"), fit=self._fit_name, task=self._task(here), reset=True)
        if site.name == "dask" or not blocks.in_memory:
            work = work._replace(reason=f"{work.reason}; {rows:,} rows in blocks were brought to this process")
        points = rows_as_points(to_host(work.whole), weights_of(here, rows))
        return Sized(work, points, work.backend, None, site.name, None if blocks.in_memory else given)

    @property
    def _finest(self) -> int | None:
        """Return the least number of rows, by weight, that the parameters tell apart, None where they count none."""
        return None

    def _points(self, rows: int, weight: float) -> int:
        """Return how many points a digest of rows has: ``n_micro``, or more where the parameters need finer ones."""
        if self._finest is None:
            return int(self.n_micro)
        most, needed = max(MOST_POINTS, int(self.n_micro)), min(rows, ceil(weight / self._finest))
        if needed > most:
            raise InvalidInput(
                f"a digest of {weight:.0f} rows in {most} points tells {ceil(weight / most)} rows apart, and the "
                f"parameters ask for {self._finest}; give larger ones, a larger n_micro, or a sample of the rows"
            )
        return max(int(self.n_micro), needed)

    def _no_exact(self, blocks: Blocks, engine: str) -> str | None:
        """Return why the fit is no exact one, None where it is."""
        if (against := self._no_digest) is not None and self.method == "digest":
            raise InvalidInput(f"method='digest' is not for {against}; use method='exact'")
        few = sum(blocks.sizes) <= self.n_micro
        if self.method == "digest":  # whose points would be the rows
            return None if few else "method='digest' is asked for by name"
        why = "the rows are in blocks, of files or on workers"
        if blocks.in_memory and engine != "dask":
            return None if few or self.method == "exact" or against is not None else self._too_large(blocks)
        if self.method == "exact" or against is not None:
            raise InvalidInput(f"an exact fit needs all rows in memory, and {why}; pass an array, or method='digest'")
        return None if few else why

    def _too_large(self, blocks: Blocks) -> str | None:
        """Return why rows in memory are too many for an exact fit, None where they are not."""
        seen = [verdict for verdict in verdicts(self._task(blocks), self._fit_name) if verdict.need is not None]
        usable = [verdict.need for verdict in seen if verdict.against is None and verdict.need is not None]
        if not usable:
            return "; ".join(f"an exact fit: {verdict.name!r} {verdict.against}" for verdict in seen)
        seconds = [need.seconds for need in usable if need.seconds is not None]
        if len(seconds) == len(usable) and min(seconds) > EXACT_SECONDS:
            return f"an exact fit would take about {min(seconds):,.0f} s, more than {EXACT_SECONDS:g}"
        return None

    @property
    def _no_digest(self) -> str | None:
        """Return what of the parameters allows no digest, None where there is none."""
        return None

    def twin(self, share: float) -> Self:
        """Return an unfitted one like this for an exact fit of a sample: what counts rows is scaled to its share."""
        return super().twin(share).set_params(method="exact")

    def _learn(self, points: MicroClusters, backend: Backend) -> Host:
        """Return the label of each point, -1 for noise; keep what is fitted besides."""
        raise NotImplementedError

    def _place(self, work: Work, given: Any) -> None:
        """Place the rows that points stand for, and number the segments by what these weigh."""
        seen, count = work.engine.become(placed, *self._labelling(work.backend)), self.n_clusters_
        weight = seen.reduce(weights_of_segments, sum, work.backend.kernel_or(sums_by), count)
        self.segment_weight_, self.distance_quantiles_ = weight, quantiles_of(seen, work.backend, count)
        rows, segment = (getattr(self, name) for name in self.kept)
        inside = segment >= 0
        order = order_ids(means_of(rows[inside], segment[inside], count), weight)
        number = self._reorder(order[weight[order] > 0])
        if work.blocks.lazy:  # the workers hold nothing for labels that nobody may ask for
            self._keep_labels(self._told_rows(given))
        else:
            fields = seen.rows(renumbered, number, dtypes=(np.int32, np.float64)[: len(self.a_row)])
            self._keep_labels(in_callers_library(fields, work.blocks))

    def _told_rows(self, x: Any) -> tuple[Array, ...]:
        """Return what ``a_row`` names, of rows that are placed."""
        return (self.predict(x),)

    def _keep_labels(self, fields: Sequence[Array]) -> None:
        for name, field in zip(self.a_row, fields, strict=True):
            setattr(self, name, field)

    def _reorder(self, order: Host) -> Host:
        """Give the segments new numbers, which are returned for each old one and for noise, and -1 is none.

        ``order`` is the old number of each, and those that it lacks are none.
        """
        number = np.full(self.n_clusters_ + 1, -1, dtype=np.int32)
        number[order] = np.arange(len(order))
        for name in (self.kept[1], *self.numbers):
            setattr(self, name, number[getattr(self, name)])
        for name in self.a_segment:
            setattr(self, name, getattr(self, name)[order])
        self.n_clusters_ = len(order)
        return number

    def _told(self, sized: Sized, solver: str) -> Self:
        """Return self, with how far a digest is from an exact fit, and who worked, said aloud."""
        self._measure(sized)
        if sized.given is not None:
            self._keep_labels(self._told_rows(sized.given))
        work, because = sized.work, "" if sized.why is None else f"; a digest, for {sized.why}"
        solver = solver if sized.why is None else "digest"
        return self._say(Dispatch(work.backend.name, sized.engine, solver, work.reason + because, work.steps))

    def _measure(self, sized: Sized) -> None:
        """Keep whether the fit is exact, the size of the digest, and its error: 1 - ARI to an exact fit of a sample."""
        # Points without spread are rows, or rows that are equal: nothing is lost.
        self.exact_, self.digest_size_ = not np.any(sized.points.spread), len(sized.points.rows)
        self.digest_error_ = 0.0 if self.exact_ else self._error(sized)
        if self.method == "auto" and self.digest_error_ > MOST_ERROR:
            raise DigestRefused(
                f"a digest of {self.digest_size_} points has an error of {self.digest_error_:.2f} beside an exact fit "
                f"of a sample, and method='auto' allows {MOST_ERROR}; raise n_micro, fit a sample, or accept it by "
                "method='digest'"
            )

    def _error(self, sized: Sized) -> float:
        """Return 1 - ARI of the digest's segments to an exact fit of a sample, 1 where that tells nothing."""
        seed, to_device = seed_of(self.random_state), sized.backend.to_device
        found = sampled(sized.work.engine, sized.work.blocks.sizes, CHECKED, seed)
        rows, weight = map(to_host, found)
        rows, weight = rows[weight > 0], weight[weight > 0]
        if len(rows) < max(TOLD, getattr(self, "n_clusters", None) or 0):
            return 1.0
        share = float(np.sum(weight) / np.sum(sized.points.weight))
        exact = self.twin(share)._learn(rows_as_points(rows, weight), sized.backend)  # noqa: SLF001 - of this class
        labelling, *given = self._labelling(sized.backend)
        segment, *_ = labelling(Block(0, to_device(rows), to_device(weight)), *given)
        return 1.0 - adjusted_rand(to_host(segment), exact)


def brought(work: Work) -> Blocks:
    """Return the rows of blocks, wherever they are, as blocks of an array in this process."""
    fields = zip(*work.engine.collect(rows_and_weights), strict=True)
    x, weight = (np.concatenate([to_host(part) for part in field]) for field in fields)
    return blocks_of(x, None if work.blocks.weights[0] is None else weight, missing=True)


def placed(block: Block, labelling: Callable[..., tuple[Array, ...]], *args: Any) -> Labelled:
    """Return a block's segments, the distances that they were placed by, the weights, and the strengths if any."""
    segment, distance, *strength = labelling(block, *args)
    return Labelled(segment, distance, block.weight, *strength)


def weights_of_segments(block: Labelled, sums_by: Kernel, count: int) -> Host:
    """Return what the rows of each segment weigh together."""
    found: Host = sums_by(block.label, block.weight, count)
    return found


def means_of(rows: Host, segment: Host, count: int, weight: Host | None = None) -> Host:
    """Return the mean of the rows of each segment, by weight if any, (count, d); zeros where it has none.

    >>> means_of(np.array([[1.0], [3.0], [5.0]]), np.array([0, 0, 1]), 2)
    array([[2.],
           [5.]])
    """
    share = np.ones(len(rows)) if weight is None else weight
    totals = np.bincount(segment, share, minlength=count)
    sums = np.stack([np.bincount(segment, share * column, minlength=count) for column in rows.T], axis=1)
    return sums / np.where(totals > 0, totals, 1.0)[:, None]


def scaled(count: int, share: float, *, least: int = 2) -> int:
    """Return a number of rows as that many of a sample, of ``least`` at least.

    >>> scaled(500, 0.02), scaled(5, 0.02)
    (10, 2)
    """
    return max(least, round(count * share))
