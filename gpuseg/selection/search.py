"""Where the best end for each number of segments is looked for, with the work shared.

The rows are opened once. Starts are tried on a pilot, a sample of the rows: seeds drawn once, whose first k rows
are a start for k, and the best ends of the number before, grown by more centres (the idea of Likas, Vlassis and Verbeek
2003). All take a few steps, the best go on to their ends, and the best of those to the end on all rows. Six seeds and
four grown ends found a lower inertia than ten seeds on each of five sets of data but one, and as low a one there.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import cycle
from typing import Any

import numpy as np

from gpuseg.backends import Array, Host
from gpuseg.cluster import KMeans, Run, Solution
from gpuseg.errors import InvalidInput, unknown

STARTS = 10
"""Starts of k-means: as practitioners use; the best of ten is rarely beaten."""
PILOT, PILOT_OF_SEGMENT = 25_000, 200
"""Rows of the pilot: so many, or so many a segment where that is more. A table up to that size is its own pilot."""
HEAVY = 10.0
"""The tail, as ``Run.tail`` says, above which the pilot is a coreset: a plain sample misses the far rows that decide.

Normal rows have 1 to 3, standardised logarithms of amounts 2, lognormal amounts 22, rows with 40 of 60,000 far off 700.
Below it a plain sample tells near ends apart better: of six seeds none ended above 1.0001 of the best known, three did.
"""
GROWN = 4
"""Starts of STARTS that are grown from the ends of the number of segments before."""
EARLY, GO_ON = 6, 4
"""Steps after which the starts on the pilot are compared, and how many then go on to their ends."""
FINALISTS, CLOSE = 3, 1.01
"""Ends on the pilot that go on to all rows: at most so many, within one percent of the best.

Which of two ends is better, pilots of 25,000 rows told wrong where they differed by 0.15 %.
"""
SAME = 1e-4
"""Ends whose inertias differ by less than this share are the same, or as good: tol stops them that far apart."""
OWN = ("n_clusters", "n_init", "random_state")
"""Parameters of KMeans that are arguments here."""


class Search:
    """Open rows, a pilot and seeds for every k of ``ks``; ask for them in rising order."""

    def __init__(self, x: Any, ks: Sequence[int], n_init: int, seed: int, parameters: dict[str, Any]) -> None:
        check_names(parameters)
        if not isinstance(parameters.get("init", ""), str):
            raise InvalidInput("init holds centres, for one number of segments; leave it out, or give that number")
        self.parameters = {**parameters, "n_init": n_init, "random_state": seed}
        self.ks, self.most, self.n_init, self.seed = ks, max(ks), n_init, seed
        # The pilot is in this process, wherever the rows are, and what is decided on it is the same.
        run, here = KMeans(self.most, **self.parameters).prepare(x), {**self.parameters, "engine": "auto"}
        rows = max(PILOT, PILOT_OF_SEGMENT * self.most)
        self.run = self.pilot = run
        if run.data.rows > rows:
            self.run = replace(run, alike=True)
            self.pilot = KMeans(self.most, **here).prepare(*self._pilot_rows(rows))
        elif run.work.engine.name != "local":
            self.pilot = KMeans(self.most, **here).prepare(run.sample(rows, seed))
        self.sampled = run.data.rows > rows
        self.seeds = self._seeds_on(self.pilot)
        self.before: list[Solution] = []

    def solution(self, k: int) -> Solution:
        """Return the best end found for ``k`` on all rows."""
        if min(len(seed) for seed in self.seeds) < k:
            return self._on_all(k)
        ends = self._on_pilot(k)
        self.before = ends
        if not self.sampled:
            return ends[0]
        close = _distinct(ends, most=FINALISTS, close=CLOSE)
        shift = self.pilot.data.offset - self.run.data.offset
        return self.run.best([end.centers + shift for end in close])

    def model(self, k: int, solution: Solution) -> KMeans:
        """Return the model of a solution."""
        return KMeans(k, **self.parameters).adopt(self.run, solution)

    def _pilot_rows(self, rows: int) -> tuple[Array, Host | None]:
        """Return the pilot's rows, and their weights where it is no plain sample."""
        return (
            self.run.coreset(rows, self.seed) if self.run.tail() > HEAVY else (self.run.sample(rows, self.seed), None)
        )

    def _on_pilot(self, k: int) -> list[Solution]:
        """Return the best ends on the pilot, the best first."""
        keys = [(self.seed, self.n_init + number) for number in range(self.n_init * GROWN // STARTS)]
        grown = [
            self.pilot.grown(base.centers, k, [key])[0] for base, key in zip(cycle(self.before), keys, strict=False)
        ]
        starts = [*grown, *(seed[:k] for seed in self.seeds[len(grown) :])]
        early = _distinct(self.pilot.solve(starts, max_iter=EARLY), most=GO_ON)
        return _distinct(self.pilot.solve([end.centers for end in early]), most=GO_ON)

    def _on_all(self, k: int) -> Solution:
        """Return the best end where the pilot has fewer than ``k`` distinct rows; all rows may have more."""
        starts = [seed[:k] for seed in self.seeds_on_all]
        if len(starts[0]) < k:  # every distinct row is in a start: all starts are alike
            starts = starts[:1]
        return self.run.best(starts)

    def _seeds_on(self, run: Run) -> list[Host]:
        return run.seeds(self.most, self.n_init, self.seed)

    @cached_property
    def seeds_on_all(self) -> list[Host]:
        """Return seeds of all rows, drawn once, for numbers of segments above the pilot's distinct rows."""
        return self._seeds_on(self.run) if self.sampled else self.seeds


def check_names(parameters: Iterable[str]) -> None:
    """Raise InvalidInput for a parameter that KMeans does not have, or that is an argument here."""
    allowed = sorted(set(KMeans().get_params(deep=False)) - set(OWN))
    for name in parameters:
        if name not in allowed:
            raise unknown("parameter", name, allowed)


def _distinct(ends: Sequence[Solution], *, most: int, close: float = np.inf) -> list[Solution]:
    """Return the best ends that differ, within ``close`` times the inertia of the best, the best first."""
    ordered = sorted(ends, key=lambda end: end.inertia)
    taken = ordered[:1]
    for end in ordered[1:]:
        if end.inertia > close * taken[0].inertia or len(taken) == most:
            break
        if end.inertia > (1 + SAME) * taken[-1].inertia:
            taken.append(end)
    return taken
