"""The network is local: a voxel depends on its neighbourhood, so that tiles agree to the last bit."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_microrecon.engine.generator.blocks import ChannelNorm
from napari_microrecon.engine.generator.device import placement
from napari_microrecon.engine.generator.params import Architecture
from napari_microrecon.engine.generator.priors import noise_prior
from napari_microrecon.engine.generator.sampling import draw, sample_logits
from napari_microrecon.engine.generator.unet import Generator


def random_network(architecture: Architecture) -> Generator:
    """A network none of whose parts is idle: random weights, gates and running values."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(4)
        network = Generator(architecture)
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.add_(0.1 * torch.randn_like(parameter))
            for buffer in network.buffers():
                if buffer.is_floating_point():
                    buffer.copy_(torch.randn_like(buffer))
    return network.eval()


def logits_in_tiles(network: Generator, tile: int) -> np.ndarray:
    """Logits (K, Z, Y, X) of one realisation."""
    levels = network.architecture.levels
    grid = draw(noise_prior(2), (40, 24, 32), 1, periodic=False, levels=levels, reach=network.reach)
    found = np.full((2, *grid.shape), np.nan, np.float32)

    def take(window: tuple[slice, slice, slice], logits: torch.Tensor) -> None:
        found[:, *window] = logits.numpy()

    for _ in sample_logits(network, grid, None, placement('cpu'), tile, take):
        pass
    return found


@pytest.mark.parametrize('attention', ['none', 'channel', 'spatial', 'cbam'])
def test_logits_of_tiles_are_bit_exact(attention: str) -> None:
    network = random_network(Architecture.model_validate({'channels': 4, 'attention': attention}))
    whole = logits_in_tiles(network, 512)
    assert np.isfinite(whole).all()
    for tile in (16, 24):
        assert np.array_equal(whole, logits_in_tiles(network, tile)), tile


def test_attention_and_noise_are_not_idle() -> None:
    with_attention = logits_in_tiles(random_network(Architecture(channels=4, attention='cbam')), 512)
    without = logits_in_tiles(random_network(Architecture(channels=4, attention='none')), 512)
    assert np.abs(with_attention - without).mean() > 1e-3


def test_influence_stays_within_the_reach() -> None:
    network = random_network(Architecture(channels=4, levels=2))
    size, reach = 64, network.reach
    fields = torch.randn((1, 1, size, size, size), generator=torch.Generator().manual_seed(0))
    noise = [torch.zeros((1, 1, *(size >> level,) * 3)) for level in range(2)]
    with torch.no_grad():
        before = network(fields, noise, None)
        fields[0, 0, 32, 32, 32] += 3
        changed = (network(fields, noise, None) != before)[0].any(0)
    assert changed[32, 32, 32]
    assert (torch.nonzero(changed) - 32).abs().max() <= reach


def test_channel_norm_is_local() -> None:
    norm = ChannelNorm(6)
    x = torch.randn((1, 6, 5, 5, 5), generator=torch.Generator().manual_seed(0))
    weight, bias = torch.full((6,), 2.0), torch.full((6,), 0.5)
    before = norm(x, weight, bias)
    assert before.mean(1) == pytest.approx(torch.full((1, 5, 5, 5), 0.5).numpy(), abs=1e-5)
    assert before.std(1, correction=0) == pytest.approx(torch.full((1, 5, 5, 5), 2.0).numpy(), rel=1e-3)
    x[..., 2, 2, 2] = torch.arange(6.0) ** 2
    after = norm(x, weight, bias)
    same = (after == before).all(1)[0]
    assert not same[2, 2, 2]
    assert int((~same).sum()) == 1
