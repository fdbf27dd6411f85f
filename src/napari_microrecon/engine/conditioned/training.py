"""Train the network of the sections on images of the material in which all lines but a few are hidden.

The slices themselves serve: a hidden row of a slice is as far from the next known row as a voxel between slices is
from the next slice. That the material looks alike in both directions is the assumption (see `SliceSet.exemplars`).
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ..generator.device import Placement
from ..progress import Job, Progress, Throttle
from ..slices import SliceSet
from ..volume import Volume
from ..voxels import AXES
from .network import STRIDE, SectionNet
from .sections import Layout, Scheme, exemplar_sections

LEARNING_RATE = 6e-3
PIXELS = 12_500  # of a training step: many small steps learn more in the same time than few large ones
MOST_STEPS = 340  # with which 128^3 voxels between 16 slices take ten processor-seconds, prediction included
MOST_WITH_VOLUME = 960
WINDOW = (64, 112)  # least and greatest edge of a training image
FROM_VOLUME = 48  # sections per direction that a training volume gives


@dataclass(frozen=True, eq=False)
class Lesson:
    """Images of one direction of sections, and how they are hidden."""

    layout: Layout
    images: tuple[np.ndarray, ...]
    window: tuple[int, int]


def lessons(scheme: Scheme, slices: SliceSet, volume: Volume | None, rng: np.random.Generator) -> list[Lesson]:
    """What to train on: the slices, and sections of a volume of the same material where there is one."""
    found: list[Lesson] = []
    for layout in scheme.layouts:
        images = exemplar_sections(slices, layout)
        if volume is not None:
            stack = np.moveaxis(volume.labels, AXES.index(layout.normal), 0)
            some = rng.permutation(len(stack))[:FROM_VOLUME]
            images = [*images, *(stack[i].T if layout.transposed else stack[i] for i in some)]
        window = (
            _edge(max((_longest(layout.rows), _longest(layout.columns))), images, 0),
            _edge(_longest(layout.columns), images, 1),
        )
        found.append(Lesson(layout, tuple(images), window))
    return found


def steps_for(pixels: float, most: int = MOST_STEPS) -> int:
    """Training steps: more where there is more to learn from."""
    return int(np.clip(240 + pixels / 833, 240, most))


def train(scheme: Scheme, slices: SliceSet, volume: Volume | None, seed: int, place: Placement) -> Job[SectionNet]:
    """Train a network for these slices from scratch.

    Parameters
    ----------
    scheme : Scheme
        From the placed slices.
    slices : SliceSet
        Whose images train.
    volume : Volume, optional
        Real 3D material of the same kind, whose sections train as well.
    seed : int
        Of the weights and of the order of the images.
    place : Placement
        Where to compute.

    Yields
    ------
    Progress
        With the loss (cross entropy of the hidden pixels) and the seconds left.

    Returns
    -------
    SectionNet
        In evaluation mode.
    """
    rng = np.random.default_rng([seed, 1])
    plan = lessons(scheme, slices, volume, rng)
    most = MOST_STEPS if volume is None else MOST_WITH_VOLUME
    total = steps_for(sum(image.size for one in plan for image in one.images) / len(plan), most)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = SectionNet(scheme.channels, scheme.phases)
    network.to(place.device).to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    network.train()
    optimizer = torch.optim.AdamW(network.parameters(), LEARNING_RATE, weight_decay=0.01, betas=(0.9, 0.98))
    throttle, began, loss_mean = Throttle(), time.monotonic(), math.nan
    what = 'learning from the slices' if volume is None else 'learning from slices and volume'
    for step in range(total):
        for group in optimizer.param_groups:
            group['lr'] = LEARNING_RATE * _rate(step / total)
        labels, rows, columns, layout = _hidden(plan[step % len(plan)], scheme, rng)
        features, interpolated = scheme.features(labels, rows, columns, layout.normal)
        hidden = torch.ones(labels.shape[1:])
        hidden[list(rows)] = 0
        hidden[:, list(columns)] = 0
        with place.autocast():
            logits = network(
                features.to(place.device, memory_format=torch.channels_last), interpolated.to(place.device)
            )
        losses = torch.nn.functional.cross_entropy(logits, labels.to(place.device), reduction='none')
        loss = (losses * hidden.to(place.device)).sum() / (hidden.sum().clamp(min=1).item() * len(labels))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if throttle.ready():
            value = float(loss.detach())
            loss_mean = value if math.isnan(loss_mean) else 0.9 * loss_mean + 0.1 * value
            left = (time.monotonic() - began) / (step + 1) * (total - step - 1)
            yield Progress(what, step + 1, total, {'loss': loss_mean, 'seconds_left': left})
    network.eval()
    return network


def _rate(done: float) -> float:
    """Share of the peak learning rate: a quick rise, then a cosine to zero."""
    warm = 0.15
    return 0.05 + 0.95 * done / warm if done < warm else 0.5 * (1 + math.cos(math.pi * (done - warm) / (1 - warm)))


def _longest(positions: Sequence[int]) -> int:
    return int(np.diff(positions).max()) if len(positions) > 1 else 0


def _edge(gap: int, images: Sequence[np.ndarray], axis: int) -> int:
    """Edge of a training image that shows two gaps, as far as the images reach; a multiple of the stride."""
    edge = int(np.clip(2.5 * gap, *WINDOW))
    return min(edge, *(image.shape[axis] for image in images)) // STRIDE * STRIDE


def _hidden(
    lesson: Lesson, scheme: Scheme, rng: np.random.Generator
) -> tuple[torch.Tensor, tuple[int, ...], tuple[int, ...], Layout]:
    """A batch of labels (N, rows, columns) with lines that stay known."""
    layout, (height, width) = lesson.layout, lesson.window
    # Images of an isotropic material may be turned; of any other only mirrored.
    turn = not scheme.oriented
    batch: list[np.ndarray] = []
    for _ in range(max(2, PIXELS // (height * width))):
        image = lesson.images[rng.integers(len(lesson.images))]
        if turn and rng.random() < 0.5 and image.shape[1] >= height and image.shape[0] >= width:
            image = image.T
        y, x = rng.integers(image.shape[0] - height + 1), rng.integers(image.shape[1] - width + 1)
        image = image[y : y + height, x : x + width]
        batch.append(image[:: rng.choice((-1, 1)), :: rng.choice((-1, 1))])
    rows = _pattern(layout.rows, layout.extent[0], height, rng)
    columns = _pattern(layout.columns, layout.extent[1], width, rng)
    if not rows and not columns:
        rows = (int(rng.integers(height)),)
    return torch.from_numpy(np.stack(batch).astype(np.int64)), rows, columns, layout


def _pattern(positions: Sequence[int], extent: int, size: int, rng: np.random.Generator) -> tuple[int, ...]:
    """Known lines of a training image: those of a window of the volume, or the same ones scaled and shifted."""
    if not positions:
        return ()
    given = np.asarray(positions, float)
    if rng.random() < 0.4:
        low, high = sorted((0, extent - size))
        found = given - rng.integers(low, high + 1)
    else:
        gap = float(np.diff(given).mean()) if len(given) > 1 else float(extent)
        span = given[-1] - given[0] + gap
        repeated = np.concatenate([given + turn * span for turn in (-1, 0, 1)])
        scaled = (repeated - extent / 2) * math.exp(rng.uniform(-0.35, 0.35))
        found = scaled + size / 2 + rng.uniform(-gap, gap)
    lines = np.unique(np.round(found).astype(int))
    return tuple(int(line) for line in lines[(lines >= 0) & (lines < size)])
