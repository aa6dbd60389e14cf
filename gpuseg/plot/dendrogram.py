"""A tree of merges as a picture: its upper part, coloured by segment."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D
from numpy.typing import NDArray
from scipy.cluster.hierarchy import dendrogram as layout

from gpuseg.errors import InvalidInput, listed
from gpuseg.interpret.upper_tree import clusters_of
from gpuseg.notebook import shown
from gpuseg.plot._axes import QUIET, axes_of, colour_of, name_of, plainly, tidy

LAST = 30
"""Branches that have room for their numbers in a picture as wide as a page."""
BESIDE = 70
"""Characters of numbers that have room side by side in it; longer ones are turned."""
NAMED = 12
"""Segments up to which a legend names each."""
UPPER = ("merges", "segment", "customers", "n_clusters")
"""What the upper part of a tree holds as plain values, as ``upper_tree`` gives it."""


class Tree(NamedTuple):
    """A model's merges, the segment of each cluster, -1 where it holds several, and what each weighs, NaN where untold.

    ``rows``: the leaves are rows, which have numbers.
    """

    merges: NDArray[Any]
    segment: NDArray[Any]
    weight: NDArray[Any]
    n_clusters: int
    rows: bool

    @property
    def leaves(self) -> int:
        """Return the number of points."""
        return len(self.merges) + 1


def dendrogram(model: Any, *, names: Mapping[int, str] | None = None, ax: Axes | None = None, last: int = LAST) -> Axes:
    """Return axes with the upper part of a model's tree: ``last`` branches, in the colours of their segments.

    ``model``: a fitted Agglomerative or DIANA, or its plain form, as ``card["insight"]["tree"]``. Grey merges are above
    the cut, which is dotted. Below a branch stands how many rows it holds, or the row's number where the whole tree is
    drawn. ``last`` is raised to the number of segments. ``names``: of segments, by their number. Raises InvalidInput
    for another model, for ``last`` below 2 and for a tree of one row.

    >>> import numpy as np
    >>> from matplotlib.figure import Figure
    >>> from gpuseg.cluster import Agglomerative
    >>> model = Agglomerative(2).fit(np.array([[0.0], [1.0], [5.0], [7.0]]))
    >>> [tick.get_text() for tick in dendrogram(model, ax=Figure().subplots()).get_xticklabels()]
    ['0', '1', '2', '3']
    """
    tree = _tree(model)
    if not last >= 2:  # noqa: PLR2004 - a merge has two branches
        raise InvalidInput(f"last={last!r} is not allowed; give a whole number of at least 2")
    shown_leaves = min(max(int(last), tree.n_clusters), tree.leaves)
    ax = axes_of(ax, max(7.0, 1.5 + 0.25 * shown_leaves), 4.2)
    place, first = _places(tree, shown_leaves), 2 * tree.leaves - 1 - (shown_leaves - 1)
    ax.add_collection(_lines(tree, place, first))
    _mark_cut(ax, tree)
    _name_branches(ax, tree, place, whole=tree.rows and shown_leaves == tree.leaves)
    top = float(tree.merges[-1, 2]) or 1.0
    ax.set(xlim=(-0.8, shown_leaves - 0.2), ylim=(0, 1.05 * top), ylabel="height")
    if 1 < tree.n_clusters <= NAMED:
        _name_segments(ax, tree, names)
    tidy(ax)
    ax.spines["bottom"].set_visible(False)
    ax.tick_params(axis="x", length=0)
    return ax


def _tree(model: Any) -> Tree:
    if isinstance(model, Mapping):
        if lacking := [name for name in UPPER if name not in model]:
            raise InvalidInput(
                f"model is a dict without {listed(lacking)}; give a fitted Agglomerative or DIANA, or "
                "card['insight']['tree']"
            )
        plain = np.array([[*merge, 0.0] for merge in model["merges"]])
        weight = np.array(model["customers"], float)
        return Tree(plain, np.array(model["segment"]), weight, model["n_clusters"], rows=False)
    merges = getattr(model, "linkage_", None)
    if merges is None:
        raise InvalidInput(f"model is a {type(model).__name__} without a tree; give a fitted Agglomerative or DIANA")
    if not len(merges):
        raise InvalidInput("the tree is of one row, and has no merges to draw; fit at least two rows")
    return Tree(merges, *clusters_of(model), int(model.n_clusters_), rows=True)


def _places(tree: Tree, shown_leaves: int) -> dict[int, float]:
    """Return where each cluster that is drawn stands, from left to right."""
    merges = tree.merges.copy()
    merges[:, 3] = np.arange(2, tree.leaves + 1)  # SciPy reads counts there, not weights
    order = layout(merges, p=shown_leaves, truncate_mode="lastp", no_plot=True)["leaves"]
    place = {int(number): float(at) for at, number in enumerate(order)}
    for merge in range(tree.leaves - shown_leaves, tree.leaves - 1):
        one, other = tree.merges[merge, :2].astype(int)
        place[tree.leaves + merge] = (place[int(one)] + place[int(other)]) / 2
    return place


def _lines(tree: Tree, place: dict[int, float], first: int) -> LineCollection:
    """Return the lines of the merges from the cluster ``first`` on: a bar, and a stem to each of its two."""
    lines, colours = [], []
    height = np.concatenate([np.zeros(tree.leaves), tree.merges[:, 2]])
    for number in range(first, 2 * tree.leaves - 1):
        sides = [int(side) for side in tree.merges[number - tree.leaves, :2]]
        lines.append([(place[side], height[number]) for side in sides])
        colours.append(colour_of(tree.segment[number]))
        for side in sides:
            # A branch that is not opened hangs to the ground, as a row does.
            foot = height[side] if side >= first else 0.0
            lines.append([(place[side], foot), (place[side], height[number])])
            colours.append(colour_of(tree.segment[side]))
    return LineCollection(lines, colors=colours, linewidths=1.6, capstyle="projecting")


def _mark_cut(ax: Axes, tree: Tree) -> None:
    """Draw the cut half-way between the highest merge that stands and the lowest that does not."""
    undone = np.flatnonzero(tree.segment[tree.leaves :] < 0)
    if len(undone):
        below = tree.merges[undone[0] - 1, 2] if undone[0] else 0.0
        ax.axhline((below + tree.merges[undone[0], 2]) / 2, color=QUIET, linewidth=1, linestyle=":", zorder=0)


def _name_branches(ax: Axes, tree: Tree, place: dict[int, float], *, whole: bool) -> None:
    """Write below each branch its rows, or its number, in the colour of its segment."""
    branches = [number for number, at in place.items() if at == int(at) and _is_branch(number, place, tree)]
    branches.sort(key=place.__getitem__)
    words = [f"{number}" if whole else _weighed(tree.weight[number]) for number in branches]
    turned = max(map(len, words)) * len(words) > BESIDE
    ax.set_xticks([place[number] for number in branches], words, rotation=90 if turned else 0, fontsize="small")
    for text, number in zip(ax.get_xticklabels(), branches, strict=True):
        text.set_color(colour_of(tree.segment[number]))
    ax.set_xlabel("row" if whole else f"{'rows' if tree.rows else 'customers'} in the branch")


def _weighed(weight: float) -> str:
    return "few" if np.isnan(weight) else f"{weight:,.6g}"


def _is_branch(number: int, place: dict[int, float], tree: Tree) -> bool:
    """Return whether a cluster is drawn without those it was made of."""
    return number < tree.leaves or int(tree.merges[number - tree.leaves, 0]) not in place


def _name_segments(ax: Axes, tree: Tree, names: Mapping[int, str] | None) -> None:
    total: NDArray[Any] = np.bincount(tree.segment[: tree.leaves], tree.weight[: tree.leaves])
    called = [name_of(s, names) for s in range(len(total))]
    if not np.isnan(total).any():
        shares = total / total.sum()
        called = [f"{name} ({shown('share', share)})" for name, share in zip(called, shares, strict=True)]
    handles = [Line2D([], [], color=colour_of(segment), linewidth=2) for segment in range(len(called))]
    legend = ax.legend(handles, called, title="segment", frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
    plainly(legend)
