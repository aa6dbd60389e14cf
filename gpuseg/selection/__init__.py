"""How many segments, and why."""

from gpuseg.selection.choice import Candidate, KChoice
from gpuseg.selection.single import Segmented, segmented, takes_number
from gpuseg.selection.sweep import best_model, choose, choose_k, tried

__all__ = [
    "Candidate", "KChoice", "Segmented", "best_model", "choose", "choose_k", "segmented", "takes_number", "tried",
]  # fmt: skip
