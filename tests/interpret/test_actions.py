"""What to do with each segment: by a table of conditions, with the figures that met them."""

import json

import numpy as np
import polars as pl
import pytest

import gpuseg
from gpuseg.engines.parts import LocalParts
from gpuseg.errors import GpusegError, InvalidFile
from gpuseg.interpret.actions import advised, read_actions
from gpuseg.interpret.details import details_of
from gpuseg.interpret.profile import Field, Rows, counted
from gpuseg.interpret.vocabulary import vocabulary


def advice(columns, segments, table=None, kinds=None):
    raw = np.column_stack(list(columns.values())).astype(float)
    fields = [Field(name, (kinds or {}).get(name, "number"), []) for name in columns]
    details = details_of(counted(LocalParts.of([Rows(raw, segments, None)]), fields), raw, segments)
    return advised(details, read_actions(table))


def told(found):
    return [[action["action"] for action in one["actions"]] for one in found.segments]


SEGMENTS = np.repeat([0, 1, 2, 3], [25, 25, 25, 25])
SHOP = {
    "Recency": np.repeat([5, 30, 200, 300], [25, 25, 25, 25]),
    "orders": np.repeat([30, 5, 12, 1], [25, 25, 25, 25]),
    "Total Spent": np.repeat([900, 100, 400, 10], [25, 25, 25, 25]),
}


def test_a_shop_by_the_table_of_gpuseg():
    found = advice(SHOP, SEGMENTS)
    assert told(found) == [["reward"], ["second order"], ["keep"], ["reactivate"]]
    (action,) = found.segments[0]["actions"]
    assert action["because"][0] == {
        "feature": "Total Spent",
        "segment": 900.0,
        "all": 525.0,
        "condition": "monetary above q75",
        "words": "Total Spent: median 900, above the 75 % quantile of all, 525",
    }
    json.dumps(found._asdict(), allow_nan=False)


def test_of_actions_with_one_aim_the_first_is_told(tmp_path):
    path = tmp_path / "my.toml"
    row = "[[actions]]\nname='{}'\ntext='b'\npriority={}\nwhen=['recency above 100']\n"
    path.write_text(
        row.format("call", 1) + "aim='return'\n" + row.format("write", 2) + "aim='return'\n" + row.format("c", 3)
    )
    assert told(advice(SHOP, SEGMENTS, path)) == [[], [], ["call", "c"], ["call", "c"]]
    assert told(advice({**SHOP, "Recency": SHOP["Recency"][::-1]}, SEGMENTS))[0] == ["win back"]  # not "keep" as well


def test_noise_is_to_be_checked_and_few_customers_are_left_alone():
    segments = np.repeat([0, 1, -1, 2], [20, 40, 36, 4])
    found = advice({"recency": SHOP["Recency"]}, segments)
    assert told(found)[2] == []  # number 2 stands before noise
    assert [one["segment"] for one in found.segments] == [0, 1, 2, -1]
    assert told(found)[3] == ["check"]
    assert found.segments[2]["why"] == "fewer than 5 customers are no segment to act on"


def test_a_table_of_no_known_feature_says_why():
    found = advice({"shoe_size": SHOP["orders"]}, SEGMENTS)
    assert {one["why"] for one in found.segments} == {
        "no column of the table is a feature that the actions know by its name"
    }
    assert "action 'cross-sell' is skipped: no column is 'frequency', 'products' by its name" in found.skipped


def test_a_table_of_your_own(tmp_path, capsys):
    path = tmp_path / "my.toml"
    path.write_text(
        """
        [[actions]]
        name = "call"
        text = "Call them."
        when = ["shoe size above 41.5", "vip above mean"]
        [[actions]]
        name = "wait"
        text = "Wait."
        priority = 2
        when = ["since below median"]
        [[actions]]
        name = "fly"
        text = "Fly."
        when = ["wings above q25"]
        """
    )
    size, vip = np.repeat([40, 43], 20), np.repeat([0, 1], 20)
    table = {"shoe size": size, "vip": vip, "since": np.repeat([18_000, 18_400], 20)}
    kinds = {"vip": "boolean", "since": "date"}
    found = advice(table, vip, path, kinds)
    assert told(found) == [["wait"], ["call"]]
    assert found.segments[0]["actions"][0]["because"][0]["words"] == (
        "since: median 2019-04-14, below the median of all, 2019-10-31"
    )
    assert [one["words"] for one in found.segments[1]["actions"][0]["because"]] == [
        "shoe size: median 43, above 41.5",
        "vip: share 100.0 %, above the mean of all, 50.0 %",
    ]
    assert found.skipped == ["action 'fly' is skipped: no column is 'wings' by its name"]
    noise = np.random.default_rng(0).normal(size=40) / 9
    frame = pl.DataFrame({"shoe size": size + noise, "vip": vip.astype(bool)})
    with gpuseg.config(notices="stdout"):
        own = gpuseg.Segmenter(n_clusters=2).fit(frame).actions(path)
    assert sorted(told(own)) == [[], ["call"]]
    assert "action 'fly' is skipped" in capsys.readouterr().out


def test_a_fit_has_them_and_the_model_file_keeps_them(tmp_path):
    noise = np.random.default_rng(0).normal(size=(100, 3)) / 9
    frame = pl.DataFrame({name: values + noise[:, at] for at, (name, values) in enumerate(SHOP.items())})
    segmenter = gpuseg.Segmenter(n_clusters=4).fit(frame)
    found = segmenter.actions()
    assert {name for names in told(found) for name in names} >= {"reward", "reactivate"}
    assert segmenter.card_["insight"]["actions"] == found.to_dict()
    assert gpuseg.load(segmenter.save(tmp_path / "m.gpuseg")).actions() == found
    html = found._repr_html_()
    assert "reward" in html
    assert "75 % quantile" in html
    assert f">0 {segmenter.names_[0]}<" in html
    assert f"{len(found.skipped)} actions skipped" in html


def test_every_feature_of_the_table_is_a_role_that_is_known():
    conditions = [condition for row in read_actions() for condition in row.when]
    assert {condition.feature for condition in conditions} <= set(vocabulary().roles)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[actions]]\nname='a'\ntext='b'\nwen=['age above q75']", "action 1: the key='wen' is not known"),
        ("[[actions]]\nname='a'\ntext='b'\nwhen=['age over q75']", "the condition 'age over q75'; give a feature"),
        ("[[actions]]\nname='a'\ntext='b'\nwhen=['age above q90']", "the condition 'age above q90'"),
        ("[[actions]]\nname='a'\ntext='b'\nwhen=[7]", "the condition 7"),
        ("[[actions]]\nname='a'\ntext='b'", "has when=[]; give a list of conditions"),
        ("[[actions]]\nname='a'\ntext='b'\nnoise=true\nwhen=['age above 3']", "and no condition"),
        ("[[actions]]\nname='a'\ntext=''\nwhen=['age above 3']", "has text=''; give text"),
        ("[[actions]]\nname='a'\ntext='b'\npriority='high'\nwhen=['age above 3']", "priority='high'; give a whole"),
        ("[[actions]]\nname='a'\ntext='b'\nnoise='yes'", "noise='yes'; give true or false"),
        ("[[actions]]\nname='a'\ntext='b'\nnoise=true\naim=3", "aim=3; give text, or leave it out"),
        ("[[action]]\nname='a'", "the key='action' is not known; allowed are 'actions'"),
        ("", "holds no table [[actions]]"),
        ("[[actions", "is no TOML"),
    ],
)
def test_a_table_that_is_wrong_is_refused_in_a_sentence(tmp_path, text, words):
    path = tmp_path / "my.toml"
    path.write_text(text)
    with pytest.raises(GpusegError) as error:
        read_actions(path)
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_a_table_that_is_not_there(tmp_path):
    with pytest.raises(InvalidFile, match="cannot be read"):
        read_actions(tmp_path / "none.toml")
