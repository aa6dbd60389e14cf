"""Categories as codes: a feature a column, unlike numbers, for algorithms that compare categories as such."""

import numpy as np
import polars as pl
import pytest
from sklearn.base import clone

import gpuseg
from gpuseg.errors import InvalidInput
from gpuseg.preprocessing import Preprocessor

TABLE = pl.DataFrame(
    {
        "spend": [1.0, 2.0, None, 4.0, 5.0, 9.0],
        "town": ["Rome", "Bern", "Rome", None, "Bern", "Oslo"],
        "member": [True, False, True, True, False, False],
        "size": pl.Series(["S", "L", "S", "M", "L", "L"], dtype=pl.Enum(["S", "M", "L"])),
    }
)


@pytest.fixture(autouse=True)
def quiet():
    with gpuseg.config(notices="off"):
        yield


def test_a_category_is_one_feature_that_is_not_scaled():
    steps = Preprocessor(categories="codes").fit(TABLE)
    assert steps.get_feature_names_out().tolist() == ["spend", "town", "member", "size"]
    assert steps.categorical_features_ == [1, 2, 3]
    x = steps.transform(TABLE)
    assert x[:, 1].tolist() == [2, 0, 2, 3, 0, 1]  # Bern, Oslo, Rome, (missing)
    assert x[:, 2].tolist() == [1, 0, 1, 1, 0, 0]
    assert x[:, 3].tolist() == [0, 2, 0, 1, 2, 2]  # as the Enum orders them
    assert x[:, 0].mean() == pytest.approx(0.0)


def test_there_and_back_and_through_its_state():
    steps = Preprocessor(categories="codes").fit(TABLE)
    back = steps.inverse_transform(steps.transform(TABLE))
    assert back["town"].to_list() == ["Rome", "Bern", "Rome", "(missing)", "Bern", "Oslo"]
    assert back["size"].to_list() == TABLE["size"].to_list()
    again = Preprocessor.from_state(steps.state())
    np.testing.assert_array_equal(again.transform(TABLE), steps.transform(TABLE))
    assert again.categorical_features_ == steps.categorical_features_


def test_rare_levels_share_a_code_and_unseen_ones_join_them_or_differ_from_all():
    towns = pl.DataFrame({"town": ["a"] * 50 + ["b"] * 50 + ["c", "d"]})
    new = pl.DataFrame({"town": ["a", "c", "new", None]})
    pooled = Preprocessor(categories="codes", min_share=0.05).fit(towns)
    assert pooled.schema_[0]["levels"].tolist() == ["a", "b", "(other)"]
    assert pooled.transform(new).ravel().tolist() == [0, 2, 2, 2]
    whole = Preprocessor(categories="codes", min_share=0).fit(towns)
    assert whole.transform(new).ravel().tolist() == [0, 2, -1, -1]


def test_what_is_left_to_choose_is_one_hot_and_codes_with_fit_codes():
    plain, coded = Preprocessor().fit(TABLE), Preprocessor().fit_codes(TABLE)
    assert plain.get_feature_names_out().tolist()[1:3] == ["town=Bern", "town=Oslo"]
    assert plain.categorical_features_ == [5]  # yes or no alone
    np.testing.assert_array_equal(plain.transform(TABLE), Preprocessor(categories="onehot").fit(TABLE).transform(TABLE))
    np.testing.assert_array_equal(coded.transform(TABLE), Preprocessor(categories="codes").fit(TABLE).transform(TABLE))
    assert clone(coded).get_params() == plain.get_params()


def test_a_dict_leaves_the_columns_that_it_does_not_name_to_choose():
    own = Preprocessor(categories={"size": "ordinal"})
    assert own.fit_codes(TABLE).get_feature_names_out().tolist() == ["spend", "town", "member", "size"]
    assert own.categorical_features_ == [1, 2]
    assert "town=Bern" in own.fit(TABLE).feature_columns_


def test_marks_of_missing_values_are_no_amounts():
    steps = Preprocessor(missing="indicator", categories="codes").fit(TABLE)
    assert steps.get_feature_names_out().tolist() == ["spend", "spend=(missing)", "town", "member", "size"]
    assert steps.categorical_features_ == [1, 2, 3, 4]


def test_the_report_tells_of_the_levels():
    lines = {line.name: line for line in Preprocessor(categories="codes").fit(TABLE).report_.columns}
    assert (lines["town"].levels, lines["town"].features) == (4, ("town",))


def test_an_unknown_way_is_said():
    with pytest.raises(InvalidInput, match=r"categories='code' is not known; allowed are .*did you mean 'codes'"):
        Preprocessor(categories="code").fit(TABLE)
