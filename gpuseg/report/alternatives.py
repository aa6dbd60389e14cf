"""Pictures in words, for who cannot see them and for the report as text: each a sentence or two with its figures."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from gpuseg.notebook import counted, shown
from gpuseg.plot import persona_flow_text
from gpuseg.report.words import called_by, names_of

MANY = 8
"""Things that a sentence still lists."""


def choice(told: Mapping[str, Any]) -> str:
    """Return the curve of the choice of k in words."""
    scored = [c for c in told["choice"]["candidates"] if c.get("silhouette") is not None]
    parts = ", ".join(f"{c['k']}: {c['silhouette']:.2f}" for c in scored)
    return f"Line chart: the silhouette of each number of segments tried; {parts}. {told['choice']['k']} was taken."


def segment_map(told: Mapping[str, Any]) -> str:
    """Return the map of the customers in words."""
    drawn, names = told["map"], called_by(told)
    across, up = (f"{axis['words'] or 'no difference'} ({shown('share', axis['share'])})" for axis in drawn["axes"])
    places = [
        f"{names[one['segment']]} at {one['x']:.1f}, {one['y']:.1f}"
        for one in drawn["centers"]
        if one["segment"] in names
    ]
    where = "; ".join(places[:MANY]) + (f"; and {len(places) - MANY} more" if len(places) > MANY else "")
    return (
        f"Density map of the customers on two axes, with the share of the variance that each holds. To the right: "
        f"{across}; upwards: {up}. Middles of the segments: {where}."
    )


def tree(told: Mapping[str, Any]) -> str:
    """Return the upper part of a tree of merges in words.

    >>> grown = {"merges": [[0, 1, 6.0], [2, 3, 9.0]], "segment": [0, 1, 2, -1, -1], "n_clusters": 3}
    >>> tree({"tree": grown})
    'Tree of 3 branches in 3 segments. The last merges, from the highest: at 9 and 6.'
    """
    grown = told["tree"]
    branches, heights = len(grown["merges"]) + 1, [merge[2] for merge in grown["merges"][::-1]][:3]
    said, segments = " and ".join(f"{height:.3g}" for height in heights), counted(grown["n_clusters"], "segment")
    return f"Tree of {branches} branches in {segments}. The last merges, from the highest: at {said}."


def reachability(told: Mapping[str, Any]) -> str:
    """Return a reachability plot in words.

    >>> bars = {"starts": [0, 10, 20, 30], "segment": [0, 0, -1], "median": [1.0, 2.0, 5.0], "top": 6.0}
    >>> reachability({"reachability": bars, "segments": [{"segment": 0, "name": "Regulars", "number": "0"}]})
    'Bar chart of 30 customers in the order of OPTICS, 3 bars. Valleys: Regulars (0) of 2 bars around 2. Noise: 1 bar.'
    """
    bars = told["reachability"]
    counts, names = Counter(bars["segment"]), called_by(told)
    valleys = []
    for segment, count in sorted(counts.items()):
        if segment >= 0:
            heights = sorted(h for h, of in zip(bars["median"], bars["segment"], strict=True) if of == segment)
            name = names.get(segment, f"Segment {segment}")
            valleys.append(f"{name} of {counted(count, 'bar')} around {heights[len(heights) // 2]:.3g}")
    said = "; ".join(valleys[:MANY]) + (f"; and {len(valleys) - MANY} more" if len(valleys) > MANY else "")
    noise = f" Noise: {counted(counts[-1], 'bar')}." if counts[-1] else ""
    customers, width = counted(bars["starts"][-1], "customer"), counted(len(bars["segment"]), "bar")
    return f"Bar chart of {customers} in the order of OPTICS, {width}. Valleys: {said or 'none'}.{noise}"


def personas(told: Mapping[str, Any]) -> str:
    """Return the flow from personas to segments in words."""
    return persona_flow_text(told["personas"], names=names_of(told))
