"""Random numbers of the generator: one independent stream for every use, counted by the seed."""

from __future__ import annotations

from enum import IntEnum

import numpy as np


class Stream(IntEnum):
    """Uses of random numbers; each has a number of its own, so that none repeats what another has drawn.

    A number is a part of every volume made with it: to change one changes the voxels of all seeds.
    """

    FIELD = 1  # values of the structural prior
    CANDIDATES = 2  # volumes in which the candidates for a prior are compared
    TRAINING_VOLUMES = 3  # how a volume to train on is moved, flipped and turned
    NETWORK_NOISE = 4  # what the network is given beside the prior
    INDEPENDENT_VALUES = 5  # normal values that stand for the ensemble of fields
    CELLS = 6  # seeds of the cells of a foam or polycrystal
    COATED_FIELD = 7  # the coated phase while a coating is fitted
    GRAIN_SIZES = 10  # grains while their size is fitted
    GRAIN_SCATTER = 11  # grains while the evenness of their places is fitted
    GRAIN_ARRIVALS = 12  # distances between grains
    DENDRITE_STEMS = 13
    DENDRITE_FILLING = 14
    GROWN_NOISE = 31  # what volumes grown from patches begin with
    STREWN_SPECKS = 32
    SCATTERED_FRACTIONS = 33
    REMOVED_SPECKS = 34

    # The same numbers as of the grains' arrivals, from volumes made before: plates and needles while they are fitted.
    PLATES_AND_NEEDLES = 12


def random_stream(seed: int, stream: Stream | int, *key: int) -> np.random.Generator:
    """Counter-based generator for this seed, use and key; the same on every machine and device."""
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(seed, spawn_key=(int(stream), *key))))
