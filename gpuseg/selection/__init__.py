"""How many segments, and why."""

from gpuseg.selection.choice import Candidate, KChoice
from gpuseg.selection.choose import choose_k, tried
from gpuseg.selection.density import DENSITY, choose_density, density_for, is_chosen
from gpuseg.selection.density_choice import DensityCandidate, DensityChoice
from gpuseg.selection.distances import k_distances
from gpuseg.selection.mixed import prepared_for
from gpuseg.selection.single import Segmented, number_of, segmented, takes_number
from gpuseg.selection.sweep import best_model, choose
from gpuseg.selection.terms import Terms

__all__ = [
    "DENSITY", "Candidate", "DensityCandidate", "DensityChoice", "KChoice", "Segmented", "Terms", "best_model",
    "choose", "choose_density", "choose_k", "density_for", "is_chosen", "k_distances", "number_of", "prepared_for",
    "segmented", "takes_number", "tried",
]  # fmt: skip
