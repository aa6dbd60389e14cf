"""Errors speak of options, and leave the user's own words alone."""

from argparse import Namespace

import polars as pl
import pytest

from gpuseg.cli._arguments import parser
from gpuseg.cli._words import OPTIONS, in_options


def test_every_option_of_the_table_is_one_of_a_command():
    there = {text for one in parser().commands.values() for action in one.arguments() for text in action.option_strings}
    assert set(OPTIONS.values()) <= there


@pytest.mark.parametrize(
    ("sentence", "words"),
    [
        ("name it, as in time='...'", "name it, as in --time '...'"),
        ("check the columns, as_of and returns", "check the columns, --as-of and returns"),
        ("as_of=2024-01-01/a.csv does not exist", "as_of=2024-01-01/a.csv does not exist"),
        ("as_of.csv and x/as_of and 'as_of' differ", "as_of.csv and x/as_of and 'as_of' differ"),
        ("the table has 'time=1', 'order'", "the table has 'time=1', 'order'"),
        ("id_column='a' is not a column", "id_column='a' is not a column"),
    ],
)
def test_arguments_become_options_and_paths_and_quotes_stay(sentence, words):
    assert in_options(sentence, Namespace(time=None, as_of=None, order=None)) == words


@pytest.mark.parametrize(
    ("more", "word"),
    [
        (["--customer", "who"], "--customer 'who' is not a column"),
        (["--as-of", "soon"], "--as-of 'soon' is no date; give one as in --as-of '2011-12-10'"),
        (["--set", "freq"], "--set 'freq' is not known"),
        (["--time-format", "%Q"], "--time-format '%Q' reads as times in only 0 of"),
    ],
)
def test_faults_of_transactions_are_told_in_options(refused, transactions, more, word):
    transactions.with_columns(pl.col("date").dt.to_string("%d/%m/%Y")).write_csv("t.csv")
    assert word in refused("features", "t.csv", "-o", "c.csv", *more)


def test_a_parameter_is_read_as_the_error_shows_it(gpuseg, customers):
    customers.write_csv("c.csv")
    given = ["--id", "customer_id", "--set-param", "preprocessor__categorical=['plan']", "--quiet"]
    assert gpuseg("segment", "c.csv", "-o", "s.csv", *given)[0] == 0


def test_an_option_before_the_command_that_takes_a_value(gpuseg):
    code, _, err = gpuseg("--config", "f.toml", "demo")
    assert code == 2
    assert "--config stands before the command; put it after, as in 'gpuseg demo --config'" in err


def test_a_file_with_a_leading_dash(refused, customers):
    customers.write_csv("-c.csv")
    assert "for the file write './-c.csv'" in refused("segment", "-c.csv", "-o", "s.csv")
