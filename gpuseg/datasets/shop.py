"""A simulated shop with known segments: in memory, or as Parquet files of any size."""

import datetime as dt
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import polars as pl

from gpuseg.datasets._archetypes import SPREADS
from gpuseg.datasets._calendar import AS_OF
from gpuseg.datasets._chunk import centres_table, chunks, goods_of, request
from gpuseg.datasets._dirt import SHARES
from gpuseg.datasets._files import place, write_parts
from gpuseg.errors import GpusegError, InvalidFile
from gpuseg.html import Cell, Text, table_html
from gpuseg.io.outputs import check_folder, together
from gpuseg.io.write import write_frame

LINES_PER_ORDER = 3.4
"""With it, a customer has about 40 transactions."""
CHUNKED = ("transactions", "events", "contacts", "customers", "truth")
"""Tables that are made a chunk at a time."""


class Shop(NamedTuple):
    """A simulated shop; ``make_shop`` says what each table holds.

    ``centers``: one row a segment with its name, its share and the traits of its typical customer;
    ``spread``: the standard deviation of every trait within a segment, in distances between two centres, on
    the scale of log(1 + value / unit); ``dirt``: faulty transactions by the reason for which a cleaning drops
    them; ``as_of``: the moment that recency is counted to.
    """

    transactions: pl.DataFrame
    events: pl.DataFrame
    contacts: pl.DataFrame
    customers: pl.DataFrame
    products: pl.DataFrame
    truth: pl.DataFrame
    centers: pl.DataFrame
    spread: float
    dirt: dict[str, int]
    as_of: dt.datetime

    def __repr__(self) -> str:
        """Return one line: tables would fill the screen."""
        return f"<{self._title()}: {', '.join(self._tables())}>"

    def _repr_html_(self) -> str:
        """Return the tables with their rows and columns as an HTML table, for a notebook."""
        rows: list[list[Cell]] = [
            [Text(name), f"{table.height:,}", Text(", ".join(table.columns))] for name, table in self._tables().items()
        ]
        faults = ", ".join(f"{count:,} {fault}" for fault, count in self.dirt.items())
        return table_html(
            self._title(), [Text("table"), "rows", Text("columns")], rows, [f"faulty transactions: {faults}"]
        )

    def _title(self) -> str:
        return f"A simulated shop of {self.customers.height:,} customers, as of {self.as_of:%Y-%m-%d}"

    def _tables(self) -> dict[str, pl.DataFrame]:
        return {name: value for name, value in self._asdict().items() if isinstance(value, pl.DataFrame)}


class ShopFiles(NamedTuple):
    """The files of a simulated shop, one a table, the rows of each table, and what ``Shop`` says beside its tables."""

    transactions: Path
    events: Path
    contacts: Path
    customers: Path
    products: Path
    truth: Path
    rows: dict[str, int]
    centers: pl.DataFrame
    spread: float
    dirt: dict[str, int]
    as_of: dt.datetime


def make_shop(
    n_customers: int = 10_000,
    *,
    random_state: int = 0,
    difficulty: str = "medium",
    lines_per_order: float = LINES_PER_ORDER,
    dirty: bool = True,
) -> Shop:
    """Return two years of a simulated shop whose customers belong to six known segments.

    - ``transactions``: customer_id, order_id, time, product_id, quantity, unit_price; by time within every
      10,000 customers. About 40 rows a customer.
    - ``events``: customer_id, time, type (visit, click, email_sent, open, purchase), channel (web, app, email).
      A visit is a page view. About 70 rows a customer, without faults.
    - ``contacts``: customer_id, time, campaign, channel, responded.
    - ``customers``: customer_id, joined (the day of the first contact), and the decoys age, region,
      favourite_colour and shoe_size, which belong to no segment.
    - ``products``: product_id, category, list_price; what is paid lies about the list price.
    - ``truth``: customer_id, segment (0 to 5, as in ``centers``), name.

    Segments differ in recency, frequency, monetary value, visits and opened e-mails: log(1 + value / unit) of each
    is normal about centres that are all equally far from each other. Newcomers also joined late, and segments
    answer campaigns more or less often; nothing else tells of them. ``difficulty`` is the adjusted Rand index (Hubert
    and Arabie 1985) of giving each row of ``Preprocessor().fit_transform`` of these five columns to the
    nearest of its segments' true means: "easy" .99, "medium" .90, "hard" .75, within .02 from 10,000 customers
    on; with fewer, chance moves it further. ``lines_per_order``: about how many, 1 to 10.

    With ``dirty``, returns (a negative quantity), cancelled orders (an id with C before it), and copies of
    rows with a fault stand among the transactions: no id, no time, no price, a price of 0 or below, and exact
    duplicates. ``clean_transactions(..., drop_duplicates=True)`` drops exactly these.

    The same ``random_state`` gives the same shop, under one version of NumPy and Polars. Raises InvalidInput for a
    parameter that is not allowed.

    >>> shop = make_shop(100)
    >>> shop.truth.height, shop.transactions["customer_id"].n_unique(), shop.dirt["no id"] > 0
    (100, 101, True)
    """
    asked = request(n_customers, random_state, difficulty, lines_per_order, dirty=dirty)
    goods = goods_of(asked)
    parts = list(chunks(asked, goods))
    tables = {name: pl.concat([getattr(part, name) for part in parts], rechunk=True) for name in CHUNKED}
    dirt = {fault: sum(part.dirt[fault] for part in parts) for fault in SHARES}
    return Shop(
        **tables,
        products=goods.products,
        centers=centres_table(),
        spread=SPREADS[asked.difficulty],
        dirt=dirt,
        as_of=AS_OF,
    )


def write_shop(
    folder: str | Path,
    n_customers: int = 10_000,
    *,
    random_state: int = 0,
    difficulty: str = "medium",
    lines_per_order: float = LINES_PER_ORDER,
    dirty: bool = True,
) -> ShopFiles:
    """Write the tables of ``make_shop`` to Parquet files in a folder, all of them or none; return the paths.

    The rows are those that ``make_shop`` gives with the same arguments. They are made and written 10,000
    customers at a time: the memory that it takes does not grow with ``n_customers``. Files of the same name
    are replaced. Raises InvalidInput as ``make_shop`` does, and InvalidFile where the folder cannot be written.

    >>> import tempfile
    >>> files = write_shop(tempfile.mkdtemp(), 100)
    >>> files.events.name, files.rows["truth"]
    ('events.parquet', 100)
    """
    asked = request(n_customers, random_state, difficulty, lines_per_order, dirty=dirty)
    target = Path(place(folder))
    goods, dirt = goods_of(asked), Counter[str]()

    def parts() -> Iterator[dict[str, pl.DataFrame]]:
        for part in chunks(asked, goods):
            dirt.update(part.dirt)
            yield {name: getattr(part, name) for name in CHUNKED}

    paths = {name: target / f"{name}.parquet" for name in (*CHUNKED, "products")}
    try:
        check_folder(target)
        with together() as staged:
            write_frame(goods.products, staged(paths["products"]))
            rows = write_parts(parts(), {name: staged(paths[name]) for name in CHUNKED})
    except GpusegError:
        raise
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else str(error)
        sentence = f"{folder} cannot be written to ({why}); nothing was left there"
        raise InvalidFile(f"{sentence}: free space or choose another folder") from error
    rows["products"] = goods.products.height
    return ShopFiles(
        **paths, rows=rows, centers=centres_table(), spread=SPREADS[asked.difficulty], dirt=dict(dirt), as_of=AS_OF
    )
