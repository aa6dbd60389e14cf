"""How many segments, and why."""

from gpuseg.selection.choice import Candidate, KChoice
from gpuseg.selection.sweep import Chosen, best_model, choose, choose_k, taken, tried

__all__ = ["Candidate", "Chosen", "KChoice", "best_model", "choose", "choose_k", "taken", "tried"]
