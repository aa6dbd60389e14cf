"""Pictures in matplotlib: each function takes plain data, draws on Axes and returns them.

Without ``ax`` a figure of pyplot is made, as in pandas, seaborn and scikit-learn: a notebook shows it at once and
``plt.show()`` finds it; a figure that pyplot does not know would show itself nowhere. With ``ax`` no global state of
matplotlib is touched: so a report, a server or a thread draws on a ``matplotlib.figure.Figure`` of its own.
"""

from gpuseg.plot.choice import elbow
from gpuseg.plot.dendrogram import dendrogram
from gpuseg.plot.distances import k_distance
from gpuseg.plot.flow import persona_flow, persona_flow_text
from gpuseg.plot.reachability import reachability
from gpuseg.plot.segment_map import segment_map
from gpuseg.plot.segments import profile_heatmap, size_value
from gpuseg.plot.silhouette import silhouette

__all__ = [
    "dendrogram",
    "elbow",
    "k_distance",
    "persona_flow",
    "persona_flow_text",
    "profile_heatmap",
    "reachability",
    "segment_map",
    "silhouette",
    "size_value",
]
