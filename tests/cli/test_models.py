"""What can go wrong with a model file, and with new customers that do not fit it."""

import json
import zipfile
from pathlib import Path

import polars as pl
import pytest


def test_a_model_of_another_format_version(refused, model):
    with zipfile.ZipFile(model) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(members["manifest.json"])
    members["manifest.json"] = json.dumps({**manifest, "format_version": 2}).encode()
    with zipfile.ZipFile(model, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    for command in (["predict", model, "c.csv", "-o", "p.csv"], ["inspect", model]):
        assert "is of format version 2 and this gpuseg reads 1" in refused(*command)


def test_a_model_that_was_tampered_with(refused, model):
    with zipfile.ZipFile(model) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["manifest.json"] = members["manifest.json"].replace(b'"n_clusters": 3', b'"n_clusters": 4')
    with zipfile.ZipFile(model, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    assert "was changed or damaged" in refused("predict", model, "c.csv", "-o", "p.csv")


def test_a_zip_bomb(refused, model):
    with zipfile.ZipFile(model, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb", bytes(10**8))
    assert model.stat().st_size < 10**6
    assert "is a compressed zip" in refused("inspect", model)


@pytest.mark.parametrize("keep", [0.3, 0.95])
def test_a_truncated_model(refused, model, keep):
    model.write_bytes(model.read_bytes()[: int(keep * model.stat().st_size)])
    assert "no whole model file" in refused("predict", model, "c.csv", "-o", "p.csv")


def test_what_is_no_model(refused, model):
    assert "no whole model file" in refused("inspect", "c.csv")
    assert "does not exist" in refused("inspect", "none.gpuseg")
    assert "ends in '.zip'" in refused("segment", "c.csv", "-o", "t.csv", "--model", "m.zip")
    assert not Path("t.csv").exists()


def test_predict_with_a_column_missing(refused, model, customers):
    customers.rename({"visits": "visit"}).write_csv("new.csv")
    message = refused("predict", model, "new.csv", "-o", "p.csv")
    assert "'visits'" in message
    assert "did you mean 'visit'" in message
    customers.drop("customer_id").write_csv("new.csv")
    assert "id_column='customer_id' is not a column" in refused("predict", model, "new.csv", "-o", "p.csv")


def test_predict_with_a_column_retyped(refused, gpuseg, model, customers):
    customers.with_columns(pl.lit("lots").alias("spend")).write_csv("new.csv")
    message = refused("predict", model, "new.csv", "-o", "p.csv")
    assert "'spend'" in message
    assert "'lots'" in message
    customers.with_columns(pl.col("spend").cast(pl.String)).write_parquet("new.parquet")
    assert gpuseg("predict", model, "new.parquet", "-o", "p.csv", "--quiet")[0] == 0
    assert pl.read_csv("p.csv")["segment"].equals(pl.read_csv("s.csv")["segment"])


def test_predict_with_an_unknown_level_says_so(gpuseg, model, customers):
    customers.with_columns(pl.lit("platinum").alias("plan")).write_csv("new.csv")
    code, _, err = gpuseg("predict", model, "new.csv", "-o", "p.csv")
    assert code == 0
    assert "'platinum'" in err
