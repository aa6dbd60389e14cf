import kmedoids
import numpy as np
import polars as pl
import pytest

from gpuseg.cluster import KMedoids
from gpuseg.errors import InvalidInput
from gpuseg.io.model import read_model, write_model


def loss_of(matrix, medoids):
    return float(np.sum(matrix[:, medoids].min(axis=1)))


def mixed(rows=240):
    rng = np.random.default_rng(6)
    kind = rng.integers(0, 3, rows)
    names = np.array(["home", "office", "travel"])[kind]
    return pl.DataFrame({"age": 20.0 + 15 * kind + rng.normal(size=rows), "channel": names, "plus": kind == 1})


def gower_of(table):
    """Return Gower's distances of ``mixed`` as they are written down in the paper: one column after the other."""
    age, plus, channel = table["age"].to_numpy(), table["plus"].to_numpy(), table["channel"].to_numpy()
    parts = [np.abs(age[:, None] - age) / np.ptp(age), plus[:, None] != plus, channel[:, None] != channel]
    return np.mean([part.astype(float) for part in parts], axis=0)


@pytest.mark.parametrize("kind", ["polars", "lazy", "pandas", "pyarrow", "categorical"])
def test_gower_takes_columns_of_words_from_any_table(kind, tmp_path):
    table = mixed()
    matrix = gower_of(table)
    given = {
        "polars": lambda t: t,
        "lazy": lambda t: t.lazy(),
        "pandas": lambda t: t.to_pandas(),
        "pyarrow": lambda t: t.to_arrow(),
        "categorical": lambda t: t.with_columns(pl.col("channel").cast(pl.Categorical)),
    }[kind]
    model = KMedoids(3, metric="gower", random_state=0).fit(given(table))
    assert model.inertia_ == pytest.approx(loss_of(matrix, model.medoid_indices_))
    assert model.inertia_ <= kmedoids.fasterpam(matrix, 3, random_state=0).loss * 1.001
    _, state = read_model(write_model(tmp_path / "x.gpuseg", {}, model.state()))
    again = KMedoids.from_state(state)
    np.testing.assert_array_equal(again.predict(given(table)), matrix[:, model.medoid_indices_].argmin(axis=1))
    strange = given(table[:4].with_columns(pl.Series("channel", ["moon"] * 4)))
    assert np.all(again.assign(strange).distance >= 1 / 3 - 1e-12)


def test_gower_takes_codes_that_are_named():
    table = mixed()
    codes = np.column_stack([table["age"].to_numpy(), table["channel"].rank("dense").to_numpy(), table["plus"]])
    words = KMedoids(3, metric="gower", random_state=0).fit(table)
    coded = KMedoids(3, metric="gower", categorical=[1], random_state=0).fit(codes)
    np.testing.assert_array_equal(words.labels_, coded.labels_)
    assert coded.inertia_ == pytest.approx(words.inertia_)
    named = pl.DataFrame(codes, schema=["age", "channel", "plus"])
    named = KMedoids(3, metric="gower", categorical=["channel"], random_state=0).fit(named)
    assert named.inertia_ == pytest.approx(words.inertia_)


def test_missing_and_unplaceable_categories_are_refused():
    table = mixed(20).with_columns(pl.when(pl.col("age") > 40).then(pl.col("channel")).alias("channel"))
    with pytest.raises(InvalidInput, match=r"X holds no category in column \(rows\): 'channel' \(\d+\); fill them"):
        KMedoids(2, metric="gower").fit(table)
    with pytest.raises(InvalidInput, match="X holds no numbers in column 'channel'"):
        KMedoids(2).fit(mixed(20))
