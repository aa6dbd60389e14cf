"""Preprocessor: from a customer table to a matrix, as a list of steps, and back into the user's units."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl

from gpuseg._estimator import Stored, TransformerMixin, check_is_fitted
from gpuseg.backends import Array, to_host
from gpuseg.errors import InvalidInput, listed
from gpuseg.preprocessing._intake import Intake, intake_of
from gpuseg.preprocessing._walk import Prepared, Raw, features_matrix, gaps_said, raw_matrix
from gpuseg.preprocessing.encode import decode, outside_said
from gpuseg.preprocessing.fitting import Fitted, learn
from gpuseg.preprocessing.plan import Plan, raw_of
from gpuseg.preprocessing.report import Report
from gpuseg.preprocessing.reporting import categories_among
from gpuseg.preprocessing.schema import PERSONAL, Column
from gpuseg.settings import say


class Preprocessor(TransformerMixin, Stored):
    """Turn a customer table into a matrix that can be clustered, and centres back into the user's units.

    Takes any table (pandas, Polars, PyArrow, cuDF, a path), or an array or a Dask array of numbers. A Dask
    DataFrame, a ``PartedTable``, and paths where ``engine`` is "dask", a client or an address, stay on the workers:
    the matrix is then a lazy Dask array, and what is learnt is what the same rows in memory teach.
    In this order: infinite, missing, winsorise, skew, scale. What is dropped is said and in ``report_``.

    Kinds are guessed: text of dates with separators and a year of four digits is a date (in UTC); text of
    true, false, yes and no, and columns of 0 and 1, are yes or no, and with one of the two and gaps a
    category; other text, and digits with leading zeros, are a category; whole numbers stay numbers, also
    where they are codes. Empty text, NA, N/A, NaN, None and null are missing. ``categorical`` and
    ``numeric`` are lists of columns that win over the guess. Ids (from 20 rows on: text with more than 90 %
    different values; whole numbers, no two alike, that have the name of a key or count the rows from 0 or
    1), empty and constant columns are dropped.

    Columns that look like data about persons (e-mail addresses, phone, payment card and IBAN numbers, national ids,
    names of persons, free text) are dropped too, also where ``columns`` names them; ``allow_personal`` names those
    that may be used. They are told by up to 500 of their different values, and those of an array are not looked at.

    - ``columns``: those to use; all but ``id_column``.
    - ``duplicates``: "keep" counts rows that are equal apart from ids, "drop" fits on the first of each.
    - ``missing``: "median" (the more frequent of yes and no; a level "(missing)" of a category), "mode",
      "constant" (``fill_value``; ISO text for a date), "indicator" (median and a 0/1 feature; that alone
      where nothing else varies) or "drop" (the row).
      Medians and other quantiles are exact for any number of rows. Beyond 262,144 rows "mode" may take a value
      that is rarer than the mode by up to 1 row in 500.
    - ``infinite``: "missing" or "error"; numbers beyond 1e90 count as infinite.
    - ``winsorize``: two quantiles such as (0.01, 0.99), or None.
    - ``skew``: "none", "log" (signed log1p), "yeo-johnson", or "auto": a column whose skewness is beyond
      1 either way, and that has more than 10 different values, is divided by the 10 % quantile of its
      sizes above 0, so that its unit does not matter. It takes the log if it is not negative and the log
      brings its skewness to 1 or below, else Yeo-Johnson if that does so or halves it, else nothing.
    - ``scale``: "standard", "minmax", "robust" (quartiles; the deviation where these are equal) or "none".
    - ``categories``: "onehot", "ordinal" (in the order of a Polars Enum; numbers by size, other text by
      name), "frequency", or "codes" (the number of the level, which is no amount: for KPrototypes and
      metric="gower" with ``categorical=steps.categorical_features_``). "auto" is "onehot", and "codes" with
      ``fit_codes``. Levels below ``min_share`` of the rows, and those after the ``max_levels`` largest, are
      pooled in "(other)", but never "(missing)". A level that the fit did not see, and a gap where it saw
      none, goes to "(other)"; where nothing was pooled, it is zeros in one-hot, the mean code, a frequency
      of 0, or -1 among the codes.

    ``missing``, ``fill_value``, ``winsorize``, ``skew`` and ``categories`` may be a dict by column; the
    others then take the default. Dates are bent or winsorised only where such a dict names them.
    Features of 0 and 1 are not scaled: divided by their deviation, the rarest level would weigh most.

    Attributes: ``report_``, ``feature_columns_`` (feature to column), ``categorical_features_`` (the places of the
    features that are no amounts: codes, yes or no, and marks of a missing value), ``fit_rows_`` (which rows the fit
    used, for a table on workers the masks of its parts; not restored from a model file), ``n_features_in_``
    and, for a table, ``feature_names_in_``.

    >>> import polars as pl
    >>> table = pl.DataFrame({"spend": [10.0, 20.0, None, 40.0], "plan": ["a", "b", "b", "a"]})
    >>> steps = Preprocessor(scale="minmax").fit(table)
    column 'spend': 1 of 4 values are missing or infinite and taken as 20
    >>> steps.transform(table).round(2).tolist()
    column 'spend': 1 missing or infinite values are filled as at fit
    [[0.0, 1.0, 0.0], [0.33, 0.0, 1.0], [0.33, 0.0, 1.0], [1.0, 1.0, 0.0]]
    >>> steps.get_feature_names_out().tolist()
    ['spend', 'plan=a', 'plan=b']
    >>> steps.inverse_transform([[0.5, 0.2, 0.8]]).rows()
    [(25.0, 'b')]
    """

    stored: ClassVar[tuple[str, ...]] = (
        "schema_",
        "dropping_",
        "plan_",
        "facts_",
        "library_",
        "feature_columns_",
        "categorical_features_",
        "n_features_in_",
        "feature_names_in_",
    )

    def __init__(  # noqa: PLR0913 - one parameter a decision of the user's
        self,
        *,
        columns: Sequence[str] | None = None,
        id_column: str | None = None,
        categorical: Sequence[str] | None = None,
        numeric: Sequence[str] | None = None,
        allow_personal: Sequence[str] | None = None,
        duplicates: str = "keep",
        missing: str | Mapping[str, str] = "median",
        fill_value: float | str | Mapping[str, float | str] = 0.0,
        infinite: str = "missing",
        winsorize: tuple[float, float] | Mapping[str, tuple[float, float] | None] | None = None,
        skew: str | Mapping[str, str] = "auto",
        scale: str = "standard",
        categories: str | Mapping[str, str] = "auto",
        min_share: float = 0.01,
        max_levels: int = 20,
        backend: str = "auto",
        engine: str = "auto",
    ) -> None:
        """Store the parameters; ``fit`` checks them."""
        self.columns = columns
        self.id_column = id_column
        self.categorical = categorical
        self.numeric = numeric
        self.allow_personal = allow_personal
        self.duplicates = duplicates
        self.missing = missing
        self.fill_value = fill_value
        self.infinite = infinite
        self.winsorize = winsorize
        self.skew = skew
        self.scale = scale
        self.categories = categories
        self.min_share = min_share
        self.max_levels = max_levels
        self.backend = backend
        self.engine = engine

    def fit(self, X: Any, y: Any = None) -> Self:  # noqa: ARG002, N803 - scikit-learn's signature
        """Learn kinds, levels and numbers from a table or an array; return self.

        Raises InvalidInput for columns that are not there, text among numbers, and where no column is left.
        """
        self._learn(intake_of(X, self.engine))
        return self

    def fit_codes(self, X: Any) -> Self:  # noqa: N803 - scikit-learn's name
        """Learn as ``fit`` does, with codes where ``categories`` is "auto": for algorithms that take categories.

        >>> import polars as pl
        >>> steps = Preprocessor().fit_codes(pl.DataFrame({"spend": [0.0, 2.0, 4.0], "plan": ["a", "b", "a"]}))
        >>> steps.get_feature_names_out().tolist(), steps.categorical_features_
        (['spend', 'plan'], [1])
        >>> steps.transform(pl.DataFrame({"spend": [2.0, 2.0], "plan": ["b", "c"]})).tolist()
        column 'plan' holds 1 values outside its levels 'a', 'b', such as 'c' (0.0% of the rows at fit)
        [[0.0, 1.0], [0.0, -1.0]]
        """
        self._learn(intake_of(X, self.engine), auto="codes")
        return self

    def fit_transform(self, X: Any, y: Any = None) -> Array:  # noqa: ARG002, N803 - scikit-learn's signature
        """Learn from ``X`` and return the matrix of the rows that were learnt from, ``fit_rows_``."""
        intake = intake_of(X, self.engine)
        fitted = self._learn(intake)
        return features_matrix(fitted.raw, fitted.plan)

    def transform(self, X: Any) -> Array:  # noqa: N803 - scikit-learn's name
        """Return the matrix (rows kept, features): NumPy, or a device's array or a Dask array for such input.

        For a table on workers it is a Dask array, a chunk for each part that has rows left.

        Columns are found by name in any order; others are ignored, which is said. Raises InvalidInput
        for a column that is missing or does not convert.
        """
        return self.prepare(X).matrix

    def prepare(self, X: Any, *, quiet: bool = False) -> Prepared:  # noqa: N803 - scikit-learn's name
        """Return the matrix of ``transform`` with what belongs to it: the rows kept, the columns, their raw values.

        ``quiet`` says nothing of columns and levels that the fit did not use: of the fitted table ``report_`` tells.
        """
        check_is_fitted(self)
        intake = intake_of(X, self.engine)
        raw = self._raw(intake, quiet=quiet)
        if not quiet and not intake.lazy:
            for sentence in (*outside_said(raw.outside), *gaps_said(raw.engine, self._kept())):
                say(sentence)
        return Prepared(features_matrix(raw, self._plan()), raw.kept, self._kept(), raw.engine)

    def kept_rows(self, X: Any) -> Any:  # noqa: N803 - scikit-learn's name
        """Return which rows of ``X`` are in ``transform(X)``: all but those dropped for a missing value.

        A mask; for a table on workers the masks of its parts, which stay there.
        """
        check_is_fitted(self)
        return self._raw(intake_of(X, self.engine)).kept

    def inverse_transform(self, X: Any) -> Any:  # noqa: N803 - scikit-learn's name
        """Return a table in the user's units and library (Polars, where that is not pandas or PyArrow).

        Yes and no come back as a share from 0 to 1, dates as times, categories as the level with the
        nearest features, constant columns with their value; other dropped columns do not come back.
        """
        check_is_fitted(self)
        matrix = np.atleast_2d(np.asarray(to_host(X), dtype=np.float64))
        if matrix.shape[1] != len(self.feature_columns_):
            raise InvalidInput(f"X has {matrix.shape[1]} columns; pass the {len(self.feature_columns_)} features")
        plan, columns, kept = self._plan(), self._columns(), self._kept()
        names = [kept[at].name for at in (*plan.measured, *plan.coded)]
        table = decode(dict(zip(names, raw_of(matrix, plan).T, strict=True)), columns)
        return _in_library(table, self.library_)

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:  # noqa: ARG002 - scikit-learn's signature
        """Return the names of the features: a column's own, or "column=level"."""
        check_is_fitted(self)
        return np.asarray(list(self.feature_columns_), dtype=object)

    @property
    def report_(self) -> Report:
        """What was done to the table: rows, duplicates, and a line a column."""
        check_is_fitted(self)
        return Report.from_dict(self.facts_)

    def __sklearn_tags__(self) -> Any:
        """Return scikit-learn's tags: missing values and text are taken."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = tags.input_tags.string = True
        return tags

    def _learn(self, intake: Intake, *, auto: str = "onehot") -> Fitted:
        fitted = learn(intake, self.get_params(deep=False), auto=auto)
        kept = np.array([i for i, column in enumerate(fitted.live) if column.dropped is None])
        self.schema_ = [column._asdict() for column in fitted.columns]
        self.dropping_ = [name for name, choice in fitted.choices.items() if choice.missing == "drop"]
        self.plan_ = fitted.plan.within(kept).state()
        self.facts_ = fitted.report.to_dict()
        self.feature_columns_ = fitted.features
        self.categorical_features_ = categories_among(fitted.features, fitted.columns, fitted.choices)
        self.library_ = intake.library
        self.n_features_in_ = len(fitted.columns)
        self.fit_rows_ = fitted.rows
        if intake.parts is not None:
            self.feature_names_in_ = np.array([column.name for column in fitted.columns])
        elif hasattr(self, "feature_names_in_"):
            del self.feature_names_in_
        _say_all(fitted)
        return fitted

    def _raw(self, intake: Intake, *, quiet: bool = False) -> Raw:
        """Return the walk over a table or an array that is to be transformed."""
        named = hasattr(self, "feature_names_in_")
        if intake.parts is None:
            _check_width(intake, self.n_features_in_, named=named)
        elif not quiet and (extra := set(intake.names) - {c.name for c in self._columns()} - {self.id_column}):
            say(f"columns that the fit did not use are ignored: {listed(sorted(extra))}")
        kept = self._kept()
        return raw_matrix(intake, kept, [c.name in self.dropping_ for c in kept], self.get_params(deep=False))

    def _columns(self) -> list[Column]:
        return [Column(**column) for column in self.schema_]

    def _kept(self) -> list[Column]:
        return [column for column in self._columns() if column.dropped is None]

    def _plan(self) -> Plan:
        return Plan.from_state(self.plan_)


def _check_width(intake: Intake, expected: int, *, named: bool) -> None:
    """Raise InvalidInput for an array that is not as wide as the fitted one, or that has no names to go by."""
    if named:
        raise InvalidInput("X is an array without names and the fit was on a table; pass a table with its columns")
    if len(intake.names) != expected:
        raise InvalidInput(
            f"X has {len(intake.names)} features, but Preprocessor is expecting {expected} features as input"
        )


def _say_all(fitted: Fitted) -> None:
    """Say what was dropped and guessed."""
    dropped = fitted.report.dropped()
    personal = {name: why for name, why in dropped.items() if why.startswith(PERSONAL)}
    if personal:
        kinds = "; ".join(f"{name!r}, {why}" for name, why in personal.items())
        say(f"columns about persons are left out: {kinds}; name in allow_personal={list(personal)} what may be used")
    dropped = {name: why for name, why in dropped.items() if name not in personal}
    if dropped:
        say(f"dropped columns: {'; '.join(f'{name!r}, {why}' for name, why in dropped.items())}")
    rows = fitted.report.rows_read
    for line in fitted.report.columns:
        gaps = line.missing + line.infinite
        if gaps and line.dropped is None and line.imputed is not None:
            filled = line.shown(line.imputed)
            say(f"column {line.name!r}: {gaps:,} of {rows:,} values are missing or infinite and taken as {filled}")
    for column in fitted.columns:
        if column.note and column.dropped is None:
            say(f"column {column.name!r}: {column.note}")


def _in_library(table: pl.DataFrame, library: str) -> Any:
    if library == "pandas":
        return table.to_pandas()
    return table.to_arrow() if library == "pyarrow" else table
