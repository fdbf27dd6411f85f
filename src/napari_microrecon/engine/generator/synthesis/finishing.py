"""From the field that was grown to labels: phase fractions, tips, specks."""

from __future__ import annotations

import numpy as np

from .corrections import detail_of, middle_of
from .specks import Specks, beside, small_areas, strewn, without_surplus

ENOUGH = 0.96  # of the boundary of the slices: an unsharp mask that makes the rest leaves outlines jagged
LAST = 12.0  # strength of the last unsharp mask
TORN = 1.25  # times as many small pieces as in the slices
TURNS = 2  # of meeting the amount of boundary
ROUNDS = 2  # of meeting the phase fractions
TIP = 1  # neighbours of its own phase that a voxel has at the end of a hair


def labels_of(field: np.ndarray, fractions: np.ndarray) -> np.ndarray:
    """Labels (Z, Y, X), uint8, of a field (Z, Y, X, C) with these phase fractions (K,)."""
    if len(fractions) == 2:
        values = field[..., 0]
        return (values > np.quantile(values, 1 - fractions[1])).astype(np.uint8)
    offsets = np.zeros(len(fractions), np.float32)
    flat = field.reshape(-1, field.shape[-1])
    few = flat[:: max(1, len(flat) // 200_000)]
    for rounds, values in ((60, few), (12, flat)):
        for _ in range(rounds):
            found = np.bincount((values + offsets).argmax(-1), minlength=len(fractions)) / len(values)
            offsets += np.float32(0.5) * (fractions - found).astype(np.float32)
    return (flat + offsets).argmax(-1).astype(np.uint8).reshape(field.shape[:3])


def without_tips(labels: np.ndarray) -> np.ndarray:
    """Labels of a periodic volume whose voxels with a single neighbour of their phase have joined those around them.

    The unsharp mask leaves such ends of hairs, which show as pieces of one pixel in sections.
    """
    alike = np.zeros(labels.shape, np.uint8)
    for axis in range(3):
        same = labels == np.roll(labels, 1, axis)
        alike += same
        alike += np.roll(same, -1, axis)
    places = np.nonzero(alike <= TIP)
    if not len(places[0]):
        return labels
    around = np.stack([labels[beside(places, labels.shape, axis, step)] for axis in range(3) for step in (1, -1)])
    mine = labels[places]
    count = int(labels.max()) + 1
    votes = np.stack([(around == phase).sum(0) for phase in range(count)])
    votes[mine, np.arange(len(mine))] = -1
    found = labels.copy()
    found[places] = votes.argmax(0)
    return found


def finished(field: np.ndarray, fractions: np.ndarray, specks: Specks, seed: int) -> np.ndarray:
    """Labels (Z, Y, X), uint8, with specks, as much boundary as in the slices, and exactly these phase fractions."""
    wanted = np.asarray(fractions, float)
    grown, numbers = field, specks.numbers(without_tips(labels_of(field, wanted)))
    owed = 0.0
    labels, taken = labels_of(field, wanted), np.zeros(field.shape[:3], np.bool_)
    for turn in range(TURNS):
        # Specks of the slices may be rough and long where those that are strewn are compact: the rest of the boundary
        # goes to the others. That makes small pieces, which leaves fewer specks to be strewn, and so once more.
        for _ in range(1 if turn else 2):
            field = _sharp_enough(grown, wanted, ENOUGH * specks.faces - specks.boundary(numbers) + owed, specks.areas)
            numbers = specks.numbers(without_surplus(without_tips(labels_of(field, wanted)), specks.areas, seed))
        target = wanted - specks.gain(numbers)
        labels, taken = _with_specks(field, target, specks, seed)
        for _ in range(ROUNDS):
            # Tips and pieces that went, specks without a place: the boundaries of the others make up for them.
            target = target + wanted - np.bincount(labels.ravel(), minlength=len(wanted)) / labels.size
            labels, taken = _with_specks(field, target, specks, seed)
        owed += ENOUGH * specks.faces - _faces(labels)  # what went with surplus pieces, and specks that found no place
    settle(labels, field, wanted, taken)
    return labels


def _with_specks(field: np.ndarray, fractions: np.ndarray, specks: Specks, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels whose bodies have these fractions, with the specks that they lack, and where these are."""
    shares = np.clip(fractions, 1e-4, 1)
    labels = without_surplus(without_tips(labels_of(field, shares / shares.sum())), specks.areas, seed)
    return labels, strewn(labels, specks.numbers(labels), seed, specks.depths)


def _sharp_enough(field: np.ndarray, fractions: np.ndarray, faces: float, areas: np.ndarray) -> np.ndarray:
    """The field, sharpened once more by as much as its labels lack faces, which tips take away.

    Small pieces that the slices do not have are too high a price for boundary: their number (K, n) bounds it.
    """
    detail = np.empty_like(field)
    for k in range(field.shape[-1]):
        detail[..., k] = detail_of(field[..., k])
    block = middle_of(field.shape[:3])
    some, more = field[block], detail[block]
    # The block may hold more or less of a phase than the volume.
    own = np.bincount(labels_of(field, fractions)[block].ravel(), minlength=len(fractions)) / some[..., 0].size
    weak, strong = 0.0, LAST
    for _ in range(6):
        middle = (weak + strong) / 2
        labels = without_tips(labels_of(some + np.float32(middle) * more, own))
        found = _faces(labels)
        torn = (small_areas(labels, len(fractions)).sum(1) > TORN * areas.sum(1) + 1e-5).any()
        weak, strong = (weak, middle) if torn or found > faces else (middle, strong)
    return field + np.float32((weak + strong) / 2) * detail


def _faces(labels: np.ndarray) -> float:
    """Phase changes per step of a periodic volume, mean over the axes."""
    return float(np.mean([(labels != np.roll(labels, 1, axis)).mean() for axis in range(3)]))


def settle(labels: np.ndarray, field: np.ndarray, fractions: np.ndarray, taken: np.ndarray) -> None:
    """Move the least decided voxels beside boundaries, those taken (Z, Y, X) left out, until the fractions are met.

    To a voxel, in place.
    """
    count = len(fractions)
    for _ in range(count):
        surplus = np.bincount(labels.ravel(), minlength=count) - np.round(fractions * labels.size).astype(int)
        giver, taker = int(surplus.argmax()), int(surplus.argmin())
        moved = int(min(surplus[giver], -surplus[taker]))
        if moved <= 0:
            return
        if count == 2:
            margin = field[..., 0] if giver == 1 else -field[..., 0]
        else:
            margin = field[..., giver] - field[..., taker]
        near = np.zeros(labels.shape, np.uint8)
        for axis in range(3):
            for step in (1, -1):
                near += np.roll(labels == taker, step, axis)
        near[(labels != giver) | taken] = 0
        # Edges first: a voxel that sticks to the other phase by one face only would be a piece of its own in sections.
        places = np.empty(0, np.intp)
        for least in (3, 2, 1):
            if len(places) < 2 * moved:
                places = np.flatnonzero(near.ravel() >= least)
        if not len(places):
            return
        moved = min(moved, len(places))
        nearest = np.argpartition(margin.ravel()[places], moved - 1)[:moved]
        labels.ravel()[places[nearest]] = taker
