"""The colours of segments: told apart by the colour-blind, and seen on white and on black."""

from itertools import combinations

import numpy as np
import pytest

from gpuseg.plot._axes import QUIET, SEGMENTS, colour_of, name_of

# What each kind of colour blindness leaves of linear red, green and blue (Machado, Oliveira and Fernandes 2009).
SIGHT = {
    "all cones": np.eye(3),
    "no red": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "no green": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "no blue": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
# Oklab (Ottosson 2020), in which equal distances look alike; 0.02 is about the least that is seen side by side.
CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


def linear(colour):
    part = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)


@pytest.mark.parametrize("sight", SIGHT)
def test_no_two_colours_look_alike(sight):
    seen = [np.clip(np.asarray(SIGHT[sight]) @ linear(colour), 0, 1) for colour in (*SEGMENTS, QUIET)]
    looks = [LAB @ np.cbrt(CONES @ colour) for colour in seen]
    assert min(np.linalg.norm(one - other) for one, other in combinations(looks, 2)) > 0.06


@pytest.mark.parametrize("colour", [*SEGMENTS, QUIET])
def test_each_is_seen_on_white_and_on_black(colour):
    light = float(linear(colour) @ [0.2126, 0.7152, 0.0722])
    assert min(1.05 / (light + 0.05), (light + 0.05) / 0.05) > 1.8


def test_colours_begin_again_and_noise_is_grey():
    assert colour_of(-1) == QUIET
    assert colour_of(3) == colour_of(13) != colour_of(4)
    assert name_of(3, {3: "a" * 50}) == "a" * 23 + "…" + "a" * 16
