"""A machine without a GPU: who asks for one is told in a sentence, and a model that was fitted on one works."""

import numpy as np
import polars as pl
import pytest

import gpuseg
from gpuseg.backends import KNOWN, get_backend
from gpuseg.cli import main
from gpuseg.errors import BackendUnavailable
from tests import small_backend

X = np.random.default_rng(0).normal(size=(60, 2)) + np.repeat([[0.0], [9.0]], 30, axis=0)
TABLE = pl.DataFrame(X, schema=["spend", "visits"])
ENTRIES = {
    "KMeans": lambda: gpuseg.KMeans(2, backend="cuda").fit(X),
    "DBSCAN": lambda: gpuseg.DBSCAN(backend="cuda").fit(X),
    "HDBSCAN": lambda: gpuseg.HDBSCAN(backend="cuda").fit(X),
    "choose_k": lambda: gpuseg.choose_k(X, (2, 3), backend="cuda"),
    "Preprocessor": lambda: gpuseg.Preprocessor(backend="cuda").fit_transform(TABLE),
    "Segmenter": lambda: gpuseg.Segmenter(backend="cuda").fit(TABLE),
    "predict": lambda: gpuseg.KMeans(2).fit(X).set_params(backend="cuda").predict(X),
    "assign": lambda: gpuseg.KMeans(2).fit(X).set_params(backend="cuda").assign(X),
}


@pytest.mark.skipif(KNOWN["cuda"].missing() is None, reason="there is a GPU here")
@pytest.mark.parametrize("entry", ENTRIES)
def test_who_asks_for_a_gpu_is_told(entry):
    with pytest.raises(
        BackendUnavailable, match=r"backend='cuda' cannot be used here: .*; usable here are 'cpu'"
    ) as told:
        ENTRIES[entry]()
    assert "\n" not in str(told.value)


@pytest.mark.skipif(KNOWN["cuda"].missing() is None, reason="there is a GPU here")
def test_the_command_line_is_told(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    TABLE.write_csv("c.csv")
    assert main(["segment", "c.csv", "-o", "s.csv", "--backend", "cuda", "--quiet"]) == 2
    assert capsys.readouterr().err.startswith("gpuseg: backend='cuda' cannot be used here: ")


@pytest.mark.parametrize("algorithm", ["kmeans", "dbscan", "hdbscan"])
def test_a_model_fitted_on_a_device_by_name_assigns_where_there_is_none(algorithm, tmp_path, monkeypatch):
    """The device of the fit is gone: its name is no longer known."""
    monkeypatch.setitem(KNOWN, "small", small_backend.KNOWN)
    monkeypatch.setattr(small_backend, "ROOM", {"fits": 10**6, "thrifty": 10**6, "held": 10**6})
    monkeypatch.setattr("gpuseg.settings.BACKENDS", ("auto", "small"))
    k = {"n_clusters": 2} if algorithm == "kmeans" else {}
    fitted = gpuseg.Segmenter(algorithm=algorithm, backend="small", **k).fit(TABLE)
    assert fitted.backend_ == "small"
    expected = fitted.assign(TABLE)
    path = fitted.save(tmp_path / "m.gpuseg")
    monkeypatch.delitem(KNOWN, "small")
    get_backend.cache_clear()
    loaded = gpuseg.load(path)
    assert loaded.dispatch_.backend == "small"
    found = loaded.assign(TABLE)
    assert found["segment"].to_list() == expected["segment"].to_list()
    np.testing.assert_allclose(found["distance"].to_numpy(), expected["distance"].to_numpy(), rtol=1e-9)
