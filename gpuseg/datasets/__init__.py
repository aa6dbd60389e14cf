"""A simulated shop with known segments, and readers of well-known data sets."""

from gpuseg.datasets.cdnow import read_cdnow
from gpuseg.datasets.online_retail import read_online_retail
from gpuseg.datasets.personas import ShopPersonas, make_personas
from gpuseg.datasets.shop import Shop, ShopFiles, make_shop, write_shop

__all__ = [
    "Shop",
    "ShopFiles",
    "ShopPersonas",
    "make_personas",
    "make_shop",
    "read_cdnow",
    "read_online_retail",
    "write_shop",
]
