"""A number of 64 bits for each row, which hangs on its values alone: equal rows have the same one."""

import numpy as np

from gpuseg.backends import Host


def row_keys(rows: Host, seed: int = 0) -> Host:
    """Return the key of each row, uint64; rows that differ have keys as if drawn at random.

    >>> keys = row_keys(np.array([[0.0, np.nan], [-0.0, np.nan], [1.0, 0.0]]))
    >>> bool(keys[0] == keys[1] != keys[2])
    True
    """
    keys = np.full(len(rows), seed % 2**64, dtype=np.uint64)
    for column in rows.T:
        # Zero has two signs and NaN many forms: one each.
        bits = np.where(np.isnan(column), np.nan, column + 0.0).view(np.uint64)
        keys = mixed(keys ^ bits)
    return keys


def mixed(numbers: Host) -> Host:
    """Return numbers with every bit of each spread over all of it: the last steps of MurmurHash3, but its first."""
    numbers = numbers * np.uint64(0xFF51AFD7ED558CCD)
    numbers = (numbers ^ (numbers >> np.uint64(33))) * np.uint64(0xC4CEB9FE1A85EC53)
    return numbers ^ (numbers >> np.uint64(33))
