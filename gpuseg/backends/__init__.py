"""Where arrays live and who computes: the backends, and the choice between them."""

from gpuseg.backends._attempt import RanOut, asked, attempted, ran_out, size, without
from gpuseg.backends._choice import Choice, Verdict, choose, first, noted, refuse_too_large, verdicts
from gpuseg.backends._cpu_trees import Tree, decision_tree
from gpuseg.backends._exact import exact_grid, exact_parts
from gpuseg.backends._needs import EXACT_MEDOIDS, NEIGHBOURS, SAMPLED_MEDOIDS, SKETCHED, Need, Task
from gpuseg.backends._protocol import Array, Backend, Host, Kernel, Known
from gpuseg.backends._registry import KNOWN, available, get_backend, holder, like, to_host
from gpuseg.backends._room import with_room
from gpuseg.backends._threads import one_blas_thread

__all__ = [
    "EXACT_MEDOIDS", "KNOWN", "NEIGHBOURS", "SAMPLED_MEDOIDS", "SKETCHED", "Array", "Backend", "Choice", "Host",
    "Kernel", "Known", "Need", "RanOut", "Task", "Tree", "Verdict", "asked", "attempted", "available", "choose",
    "decision_tree", "exact_grid", "exact_parts", "first", "get_backend", "holder", "like", "noted", "one_blas_thread",
    "ran_out", "refuse_too_large", "size", "to_host", "verdicts", "with_room", "without",
]  # fmt: skip
