"""Features that matter: those without which customers are placed elsewhere."""

import numpy as np
import polars as pl
import pytest

import gpuseg
from gpuseg.cluster import ALGORITHMS
from gpuseg.interpret.importance import importance

RNG = np.random.default_rng(0)
GROUP = np.repeat([0, 1, 2], 60)
TABLE = pl.DataFrame(
    {
        "spend": np.array([0.0, 20.0, 40.0])[GROUP] + RNG.normal(size=180),
        "visits": np.array([30.0, 0.0, 60.0])[GROUP] + RNG.normal(size=180),
        "noise": RNG.normal(size=180),
        "plan": np.array(["a", "b", "b"])[GROUP],
    }
)


def test_shares_by_hand():
    """Half of the rows are 1: a permuted row has the other value in half of the cases, whoever it is."""
    x = np.repeat([[0.0, 7.0], [1.0, 7.0]], 2_000, axis=0)
    found = importance(x, {"one": [0], "other": [1]}, lambda rows: rows[:, 0].astype(int) - 1)
    assert found["segments"] == [0, -1]
    first, second = found["features"]
    assert first["feature"] == "one"
    assert first["changed"] == pytest.approx(0.5, abs=0.03)
    assert first["ari_loss"] == pytest.approx(1.0, abs=0.02)
    assert first["segments"] == pytest.approx([0.5, 0.5], abs=0.03)
    assert 0 < first["standard_error"] < 0.01
    assert (second["changed"], second["standard_error"], second["ari_loss"]) == (0.0, 0.0, 0.0)


def test_a_large_sample_is_looked_at_in_part():
    asked = []
    x = np.random.default_rng(0).normal(size=(20_000, 30))
    found = importance(x, {f"c{i}": [i] for i in range(30)}, lambda rows: asked.append(len(rows)) or rows[:, 0] > 0)
    assert found["rows"] == 666
    assert sum(asked) == 666 * (1 + 30 * found["repeats"])


@pytest.mark.parametrize("algorithm", ["kmeans", "hdbscan", "agglomerative", "kprototypes"])
def test_what_made_the_segments_comes_first(algorithm):
    told = "n_clusters" in ALGORITHMS[algorithm]().get_params()
    own = {} if told else {"min_cluster_size": 20}
    n_clusters = 3 if told else "auto"
    segmenter = gpuseg.Segmenter(algorithm=algorithm, n_clusters=n_clusters, algorithm_params=own).fit(TABLE)
    found = segmenter.insight()["importance"]
    assert sorted(one["feature"] for one in found["features"]) == ["noise", "plan", "spend", "visits"]
    assert {one["feature"] for one in found["features"][:2]} == {"spend", "visits"}
    assert found["features"][0]["changed"] > 0.2 > found["features"][-1]["changed"]
    assert all(len(one["segments"]) == len(found["segments"]) for one in found["features"])
    again = gpuseg.Segmenter(algorithm=algorithm, n_clusters=n_clusters, algorithm_params=own).fit(TABLE)
    assert again.importance()["changed"].to_list() == [one["changed"] for one in found["features"]]
    assert again.insight()["importance"] == found
