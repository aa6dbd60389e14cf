"""Tables: kinds, categories, dates, ids, duplicates; columns that are missing, extra, reordered, retyped."""

import datetime as dt

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from gpuseg.errors import InvalidInput
from gpuseg.io.tables import Opened
from gpuseg.preprocessing import Preprocessor
from gpuseg.preprocessing.looks import look_at
from gpuseg.preprocessing.schema import kind_of

RNG = np.random.default_rng(2)
N = 60
TABLE = {
    "customer": [f"c{i}" for i in range(N)],
    "spend": [None if i % 10 == 3 else float(i * i % 97) for i in range(N)],
    "plan": [None if i % 15 == 7 else ("basic", "gold", "silver")[i % 7 % 3] for i in range(N)],
    "active": [bool(i % 3) for i in range(N)],
    "joined": [dt.date(2024, 1, 1) + dt.timedelta(days=i % 40) for i in range(N)],
    "country": ["x"] * N,
}


def settled(values, name):
    series = nw.from_native(pl.Series("values", values), series_only=True)
    look = look_at(series)
    return kind_of(look, name) or kind_of(look, name, different=series.n_unique())


LIBRARIES = {"polars": pl.DataFrame, "pandas": pd.DataFrame, "pyarrow": pa.table}


@pytest.mark.parametrize("library", LIBRARIES)
def test_every_library_gives_the_same(library, backend):
    table = LIBRARIES[library](TABLE)
    steps = Preprocessor(skew="none", backend=backend.name)
    found = steps.fit_transform(table)
    expected = Preprocessor(skew="none", backend="cpu").fit_transform(pl.DataFrame(TABLE))
    np.testing.assert_allclose(found, expected)
    back = steps.inverse_transform(found)
    assert type(back).__module__.partition(".")[0] == library
    back = nw.from_native(back)
    assert back.columns == ["spend", "plan", "active", "joined", "country"]
    assert back["country"].unique().to_list() == ["x"]
    assert back["plan"].to_list() == [value or "(missing)" for value in TABLE["plan"]]
    assert back["joined"].cast(nw.Date).to_list() == TABLE["joined"]
    np.testing.assert_allclose(back["active"].to_numpy(), TABLE["active"])


def test_the_features_and_the_report():
    steps = Preprocessor().fit(pl.DataFrame(TABLE))
    plan = ["plan=basic", "plan=gold", "plan=silver", "plan=(missing)"]
    assert steps.get_feature_names_out().tolist() == ["spend", *plan, "active", "joined"]
    assert steps.feature_columns_["plan=gold"] == "plan"
    assert steps.feature_names_in_.tolist() == list(TABLE)
    report = steps.report_
    assert report.dropped() == {
        "customer": "it is like an id: text with 60 different values",
        "country": "it is constant, 'x'",
    }
    assert [c.kind for c in report.columns] == ["category", "number", "category", "boolean", "date", "category"]
    assert [c.missing for c in report.columns][1:3] == [6, 4]
    assert type(report).from_dict(report.to_dict()) == report
    assert "60 rows read, 60 kept, 0 duplicates" in str(report)
    assert "&#x27;x&#x27;" in report._repr_html_()


def test_names_that_are_patterns():
    table = pl.DataFrame({"^a.*$": [1.0, 2, 5], "*": [3, 1, 2], "level": ["u", "v", "u"], "rows": ["p", "p", "q"]})
    steps = Preprocessor(skew="none")
    back = steps.inverse_transform(steps.fit_transform(table))
    assert back.columns == table.columns
    assert back["level"].to_list() == ["u", "v", "u"]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, 2, 3], "number"),
        ([0, 1, 0], "boolean"),
        ([0.0, 1.0, None], "boolean"),
        ([1, 2, 1], "number"),
        (["TRUE", "False", " "], "boolean"),
        (["yes", "no", None], "boolean"),
        (["1.5", "+2", " 1e3 "], "number"),
        (["2024-01-31", "2024-02-29T10:30"], "date"),
        (["2024-02-30", "2024-01-31"], "category"),
        (["red", "5", "blue"], "category"),
        (["01234", "12345"], "category"),
        (["0.5", "01"], "number"),
        (["1.5", "NA", "N/A"], "number"),
        (["31/01/2024", "1/2/2024 10:00"], "date"),
        (["31.01.2024", None], "date"),
        (["2024-01-31T10:00+02:00", "2024-01-31T10:00Z"], "date"),
        (["20110130", "20110131"], "number"),
        (["12.50", "13.75"], "number"),
        (["1.2.3", "4.5.6"], "category"),
        (["yes", None, "Yes"], "category"),
        (["yes", "yes"], "boolean"),
        ([True, None], "category"),
        ([True, True], "boolean"),
        ([dt.datetime(2024, 1, 1, 5), None], "date"),
    ],
)
def test_kinds(values, kind):
    column = settled(values, "a")
    assert (column.kind, column.dropped) == (kind, None)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("CustomerID", RNG.permutation(1000)[:50] * 3),
        ("row", RNG.permutation(50)),
        ("row", RNG.permutation(50) + 1),
        ("zip", [f"{i:05}" for i in range(50)]),
        ("client_key", RNG.permutation(1000)[:50] * 2.0),
        ("who", [f"name {i % 47}" for i in range(50)]),
    ],
)
def test_ids(name, values):
    column = settled(values, name)
    assert "like an id" in column.dropped
    assert settled(values[:10], name).dropped is None


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("age", np.arange(20, 70)),
        ("row", np.arange(1, 100, 2)),
        ("town", [f"town {i % 40}" for i in range(50)]),
        ("client_key", np.arange(50) / 7),
    ],
)
def test_no_ids(name, values):
    assert settled(values, name).dropped is None


def test_dates_as_they_are_written(capsys):
    table = pl.DataFrame({"joined": ["31.01.2024", "01.02.2024", "NA", "02.02.2024"]})
    steps = Preprocessor(scale="none", missing="drop")
    assert steps.fit_transform(table).ravel().tolist() == [19753, 19754, 19755]
    assert "column 'joined': text read as day.month.year" in capsys.readouterr().out
    new = pl.DataFrame({"joined": ["03.02.2024", "2024-02-03", "2024-02-03T23:00-02:00"]})
    np.testing.assert_allclose(steps.transform(new).ravel(), [19756, 19756, 19757 + 1 / 24], rtol=1e-12)
    for text in ("2/3/2024", "31.02.2024"):
        with pytest.raises(InvalidInput, match=f"such as '{text}' in 1 of 1 rows; write yyyy-mm-dd"):
            steps.transform(pl.DataFrame({"joined": [text]}))


def test_dates_that_read_either_way():
    table = pl.DataFrame({"joined": ["01/02/2024", "03/04/2024"]})
    words = (
        r"'joined' reads as month/day/year and as day/month/year alike, for example '01/02/2024'; "
        r"give ISO dates \(yyyy-mm-dd\), or name it in categorical=\['joined'\]"
    )
    with pytest.raises(InvalidInput, match=words):
        Preprocessor().fit(table)
    assert Preprocessor(categorical=["joined"]).fit_transform(table).shape == (2, 2)


def test_one_value_and_gaps():
    table = pl.DataFrame({"status": ["vip", None] * 2, "news": ["yes", ""] * 2, "paid": [True, None] * 2})
    steps = Preprocessor()
    found = steps.fit_transform(table)
    assert found.tolist() == [[1, 0] * 3, [0, 1] * 3] * 2
    assert steps.inverse_transform(found).row(1) == ("(missing)",) * 3
    for missing in ("mode", "drop"):
        with pytest.raises(InvalidInput, match="'status': it is constant, 'vip'"):
            Preprocessor(missing=missing).fit(table)


@pytest.mark.parametrize("empty", [[None] * 2, [float("nan")] * 2, ["", "NA"]])
@pytest.mark.parametrize("library", LIBRARIES)
def test_a_column_without_a_value_is_missing(library, empty):
    steps = Preprocessor(scale="none", skew="none").fit(pl.DataFrame(TABLE).drop("customer", "country"))
    names = ["spend", "plan", "active", "joined"]
    expected = [c.imputed for c in steps.report_.columns]
    new = LIBRARIES[library](dict.fromkeys(names, empty))
    found = steps.transform(new)
    assert found[0].tolist() == found[1].tolist() == [expected[0], 0, 0, 0, 1, 1, 19737.5]


def test_yes_and_no_are_filled_with_the_more_frequent():
    table = pl.DataFrame({"a": [True] * 3 + [False, None], "b": ["no"] * 3 + ["yes", None]})
    assert Preprocessor().fit_transform(table)[-1].tolist() == [1, 0]


def test_features_of_one_name():
    table = pl.DataFrame({"a": ["x", "y", "x"], "a=x": [1, 2, 5]})
    with pytest.raises(InvalidInput, match="columns 'a' and 'a=x' both make a feature named 'a=x'; rename one"):
        Preprocessor().fit(table)
    assert Preprocessor(categories="ordinal").fit(table).inverse_transform([[0, 1]]).width == 2


def test_what_stands_for_a_gap_is_not_pooled():
    table = pl.DataFrame({"c": ["a"] * 60 + ["b"] * 38 + ["z", None]})
    steps = Preprocessor(min_share=0.05, max_levels=1).fit(table)
    assert steps.get_feature_names_out().tolist() == ["c=a", "c=(missing)", "c=(other)"]
    assert steps.report_.columns[0].steps() == "missing as '(missing)'; 2 rare levels pooled"
    assert steps.transform(table)[-1].tolist() == [0, 1, 0]


def test_levels_that_are_all_rare():
    table = pl.DataFrame({"c": ["a", "b", "c", "d"] * 5, "n": range(0, 40, 2)})
    assert Preprocessor(min_share=0.3).fit(table).report_.dropped() == {"c": "every level is below min_share=0.3"}


def test_a_category_that_dropped_rows_make_constant():
    table = pl.DataFrame({"c": ["a", "a", "b"], "n": [1.0, 2, None]})
    steps = Preprocessor(missing={"n": "drop"}).fit(table)
    assert steps.report_.dropped() == {"c": "it is constant, 'a'"}
    assert steps.inverse_transform([[0.0]])["c"].to_list() == ["a"]


def test_the_report_speaks_as_the_user():
    days = [dt.date(2024, 1, 1), dt.date(2024, 1, 3), None]
    table = pl.DataFrame(
        {"day": days, "on": ["yes"] * 3, "since": [days[0]] * 3, "b": [True, False, None], "n": [1, 2, 4]}
    )
    steps = Preprocessor(winsorize={"day": (0, 0.99)}).fit(table)
    lines = {column.name: column.steps() for column in steps.report_.columns}
    assert lines["day"].startswith("missing as 2024-01-02; winsorised to 2024-01-01 ... 2024-01-02T23:")
    assert lines["on"] == "dropped: it is constant, yes"
    assert lines["since"] == "dropped: it is constant, 2024-01-01"
    assert lines["b"] == "missing as no"


def test_a_constant_for_a_date():
    table = pl.DataFrame({"day": [dt.date(2024, 1, 1), dt.date(2024, 1, 3), None]})
    steps = Preprocessor(missing="constant", fill_value="2024-01-31", scale="none")
    assert steps.fit_transform(table).ravel().tolist() == [19723, 19725, 19753]
    for value in (0.0, "soon"):
        with pytest.raises(InvalidInput, match=r"cannot stand in column 'day' of dates; give an ISO date"):
            Preprocessor(missing="constant", fill_value=value).fit(table)


def test_notices_are_said_once(capsys):
    table = pl.DataFrame({"c": ["a"] * 9 + ["z"], "k": ["1", "2"] * 5, "x": range(10), "one": [1] * 10})
    steps = Preprocessor(columns=["c", "k", "one"], min_share=0.2).fit(table)
    said = capsys.readouterr().out.splitlines()
    assert said == ["dropped columns: 'one', it is constant, 1", "column 'k': text read as numbers"]
    steps.prepare(table, quiet=True)
    assert capsys.readouterr().out == ""
    steps.transform(table)
    assert "'x'" in (said := capsys.readouterr().out)
    assert "'z'" in said


def test_text_in_a_number_column():
    table = pl.DataFrame({"Income": ["100"] * 30 + ["n/a", "n/a"], "Age": list(range(0, 64, 2))})
    words = (
        r"column 'Income' holds numbers in 30 of 32 rows and text such as 'n/a' in 2 of 32 rows; write plain numbers"
    )
    with pytest.raises(InvalidInput, match=words):
        Preprocessor().fit(table)
    with pytest.raises(InvalidInput, match=r"such as '\$1,200' in 1 of 2 rows"):
        Preprocessor().fit(pl.DataFrame({"Income": ["$1,200", "900"]}))
    assert Preprocessor(categorical=["Income"]).fit(table).feature_columns_["Income=n/a"] == "Income"
    with pytest.raises(InvalidInput, match="such as 'red'"):
        Preprocessor(numeric=["c"]).fit(pl.DataFrame({"c": ["red", "1", "blue", "green"]}))


def test_text_read_as_numbers_is_said(capsys):
    found = Preprocessor(scale="none").fit_transform(pl.DataFrame({"a": ["1", " 2.5", None]}))
    assert found.tolist() == [[1], [2.5], [1.75]]
    assert "text read as numbers" in capsys.readouterr().out


def test_categorical_and_numeric_win():
    table = pl.DataFrame({"channel": [1, 2, 2, 1], "flag": [0, 1, 1, 1]})
    steps = Preprocessor(categorical=["channel"], numeric=["flag"], scale="minmax").fit(table)
    assert steps.get_feature_names_out().tolist() == ["channel=1", "channel=2", "flag"]
    assert [c.kind for c in steps.report_.columns] == ["category", "number"]
    # 1 and 1.0 are one level: a missing value elsewhere makes pandas' whole numbers floats.
    floats = pd.DataFrame({"channel": [1.0, np.nan, 2.0], "flag": [0, 1, 1]})
    assert steps.transform(floats)[:, :2].tolist() == [[1, 0], [0, 0], [0, 1]]


def test_encodings_and_unknown_levels(capsys):
    table = pl.DataFrame({"c": ["a"] * 5 + ["b"] * 3 + ["z"] + ["y"], "n": range(0, 20, 2)})
    new = pl.DataFrame({"c": ["b", "new", "y"], "n": [0, 0, 0]})
    pooled = Preprocessor(min_share=0.2, scale="none").fit(table)
    assert pooled.get_feature_names_out().tolist() == ["c=a", "c=b", "c=(other)", "n"]
    assert pooled.transform(new)[:, :3].tolist() == [[0, 1, 0], [0, 0, 1], [0, 0, 1]]
    assert "column 'c' holds 2 values outside its levels" in capsys.readouterr().out
    assert pooled.report_.columns[0].pooled == 2
    most = Preprocessor(max_levels=1, categories="frequency", scale="none").fit(table)
    assert most.transform(new)[:, 0].tolist() == [0.5, 0.5, 0.5]
    plain = {
        way: Preprocessor(categories=way, min_share=0, scale="none").fit(table) for way in ("ordinal", "frequency")
    }
    assert plain["ordinal"].transform(new)[:, 0].tolist() == [1, 0.8, 2]
    assert plain["frequency"].transform(new)[:, 0].tolist() == [0.3, 0, 0.1]
    for way in plain:
        scaled = Preprocessor(categories=way, min_share=0).fit_transform(table)
        np.testing.assert_allclose([scaled[:, 0].mean(), scaled[:, 0].std()], [0, 1], atol=1e-12)
    assert plain["ordinal"].inverse_transform([[1.2, 0]])["c"].to_list() == ["b"]


def test_one_hot_goes_back_to_the_largest():
    steps = Preprocessor().fit(pl.DataFrame({"c": ["a", "b", "c"], "n": [1, 2, 4]}))
    assert steps.inverse_transform([[0.2, 0.5, 0.3, 0], [0.9, 0.1, 0, 0]])["c"].to_list() == ["b", "a"]


@pytest.mark.parametrize(
    ("missing", "expected"),
    [("median", [[1, 0, 0], [0, 1, 0], [1, 0, 0], [0, 0, 1]]), ("mode", [[1, 0], [0, 1], [1, 0], [1, 0]])],
)
def test_missing_categories(missing, expected):
    table = pl.DataFrame({"c": ["a", "b", "a", None]})
    steps = Preprocessor(missing=missing)
    assert steps.fit_transform(table).tolist() == expected
    assert steps.report_.columns[0].imputed == ("a" if missing == "mode" else "(missing)")


@pytest.mark.parametrize("dtype", [pl.String, pl.Categorical, pl.Enum(["a", "b", " NA", ""])])
def test_words_for_nothing_are_missing(dtype):
    table = pl.DataFrame({"c": pl.Series(["a", "b", " NA", ""], dtype=dtype)})
    steps = Preprocessor().fit(table)
    assert steps.get_feature_names_out().tolist() == ["c=a", "c=b", "c=(missing)"]
    assert steps.report_.columns[0].missing == 2
    with pytest.raises(InvalidInput, match="it has no value"):
        Preprocessor().fit(table[2:])


def test_missing_categories_by_constant_and_by_dropping():
    table = pl.DataFrame({"c": ["a", "b", None, " "], "n": [1, 2, 3, 4]})
    steps = Preprocessor(missing={"c": "constant"}, fill_value={"c": "b"}, scale="none")
    assert steps.fit_transform(table)[:, :2].tolist() == [[1, 0], [0, 1], [0, 1], [0, 1]]
    steps = Preprocessor(missing={"c": "drop"}, scale="none")
    assert steps.fit_transform(table).tolist() == [[1, 0, 1], [0, 1, 2]]
    assert steps.report_.rows_kept == 2


def test_the_order_of_levels_of_an_enum():
    sizes = pl.Series("size", ["small", "large", "middle", "small"], dtype=pl.Enum(["small", "middle", "large"]))
    found = Preprocessor(categories="ordinal", scale="none").fit_transform(pl.DataFrame([sizes]))
    assert found.ravel().tolist() == [0, 2, 1, 0]


def test_duplicates():
    table = pl.DataFrame({"id": range(6), "a": [1, 1, 2, 9, 9, 9], "b": ["x", "x", "y", "y", "y", "x"]})
    keep = Preprocessor(id_column="id").fit(table)
    assert (keep.report_.duplicates, keep.report_.rows_kept) == (2, 6)
    drop = Preprocessor(id_column="id", duplicates="drop", scale="none")
    assert drop.fit_transform(table)[:, 0].tolist() == [1, 2, 9, 9]
    assert drop.fit_rows_.tolist() == [True, False, True, True, False, True]
    assert len(drop.transform(table)) == 6


def test_columns_by_name(capsys):
    table = pl.DataFrame(TABLE)
    steps = Preprocessor().fit(table)
    expected = steps.transform(table)
    capsys.readouterr()
    moved = table.select(reversed(table.columns)).with_columns(extra=pl.lit(1)).drop("country")
    assert np.array_equal(steps.transform(moved), expected)
    assert capsys.readouterr().out.splitlines() == [
        "columns that the fit did not use are ignored: 'extra'",
        "column 'spend': 6 missing or infinite values are filled as at fit",
    ]
    with pytest.raises(InvalidInput, match=r"'spend' is not a column of the table.*did you mean 'spending'"):
        steps.transform(table.rename({"spend": "spending"}))
    with pytest.raises(InvalidInput, match="pass a table"):
        steps.transform(expected)
    with pytest.raises(InvalidInput, match=r"id_column='customr'.*did you mean 'customer'"):
        Preprocessor(id_column="customr").fit(table)


def test_columns_retyped_convert():
    table = pl.DataFrame(TABLE)
    steps = Preprocessor().fit(table)
    text = table.with_columns(
        pl.col("spend", "joined").cast(pl.String), pl.col("active").replace_strict({True: "Yes", False: "no"})
    )
    assert np.array_equal(steps.transform(text), steps.transform(table))
    numbers = table.with_columns(pl.col("active").cast(pl.Int64))
    assert np.array_equal(steps.transform(numbers), steps.transform(table))


@pytest.mark.parametrize(
    ("column", "values", "words"),
    [
        ("spend", ["1"] * 59 + ["n/a"], "'spend' was of numbers at fit and holds text such as 'n/a' in 1 of 60 rows"),
        ("spend", [dt.date(2024, 1, 1)] * 60, "'spend' was of numbers at fit and holds Date in 60 rows"),
        ("active", ["maybe"] * 60, "'active' was of yes and no at fit and holds values such as 'maybe' in 60"),
        ("active", [2.0] * 60, "such as 2.0 in 60"),
        ("joined", ["soon"] * 60, "'joined' was of dates at fit and holds text such as 'soon'"),
        ("joined", [5] * 60, "'joined' was of dates at fit and holds Int64"),
    ],
)
def test_columns_retyped_refused(column, values, words):
    steps = Preprocessor().fit(pl.DataFrame(TABLE))
    with pytest.raises(InvalidInput, match=words):
        steps.transform(pl.DataFrame({**TABLE, column: values}))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"skew": {"plan": "log"}}, "skew names column 'plan', which is a category"),
        ({"categories": {"spend": "ordinal"}}, "categories names column 'spend', which is a number"),
        ({"missing": "constant", "fill_value": "none"}, "fill_value='none' cannot stand in column 'spend'"),
        ({"columns": ["customer", "country"]}, "no column of X is left.*'country': it is constant"),
        ({"columns": ["spent"]}, "columns='spent'.*did you mean 'spend'"),
        ({"categorical": ["plan"], "numeric": ["plan"]}, "'plan' stands in categorical and in numeric"),
    ],
)
def test_refuses(options, words):
    with pytest.raises(InvalidInput, match=words):
        Preprocessor(**options).fit(pl.DataFrame(TABLE))


def test_a_table_on_dasks_workers_comes_back_in_memory():
    found = Preprocessor(engine="dask").fit_transform(pl.DataFrame(TABLE))
    assert np.array_equal(found, Preprocessor().fit_transform(pl.DataFrame(TABLE)))


def test_a_table_that_stays_in_a_pandas_like_library(monkeypatch):
    """What cuDF takes: Narwhals over a library with pandas' interface, never crossing to Polars."""

    def kept(source):
        return Opened(nw.from_native(source), lambda frame: frame, "here")

    table = pd.DataFrame(TABLE).assign(
        joined=pd.Series(TABLE["joined"]).astype("datetime64[us]"), day=["2024-01-31", "2024-02-01T06:00"] * 30
    )
    options = {"missing": {"spend": "indicator"}, "categories": {"plan": "ordinal"}, "categorical": ["spend"]}
    every = [Preprocessor(), Preprocessor(duplicates="drop", missing="mode"), Preprocessor(**options)]
    expected = [steps.fit_transform(table) for steps in every]
    monkeypatch.setattr("gpuseg.preprocessing._intake.open_table", kept)
    for steps, matrix in zip(every, expected, strict=True):
        np.testing.assert_allclose(steps.fit_transform(table), matrix, atol=1e-12)
        text = table.assign(spend=table["spend"].astype(str).replace("nan", None), active=["yes", "No"] * 30)
        steps.transform(text)
