"""The network is local: a voxel depends on its neighbourhood, so that tiles agree to the last bit."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_microrecon.engine.generator.device import placement
from napari_microrecon.engine.generator.network import UNet, build_network, reading_slices
from napari_microrecon.engine.generator.network.layers import ChannelNorm
from napari_microrecon.engine.generator.params import Architecture
from napari_microrecon.engine.generator.priors import noise_prior
from napari_microrecon.engine.generator.sampling import draw, sample_logits


def random_network(architecture: Architecture) -> UNet:
    """A network none of whose parts is idle: random weights, gates and running values."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(4)
        network = build_network(architecture)
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.add_(0.1 * torch.randn_like(parameter))
            for buffer in network.buffers():
                if buffer.is_floating_point():
                    buffer.copy_(torch.randn_like(buffer))
    return network.eval()


def logits_in_tiles(network: UNet, tile: int) -> np.ndarray:
    """Logits (K, Z, Y, X) of one realisation."""
    levels = network.architecture.levels
    grid = draw(noise_prior(2), (40, 24, 32), 1, periodic=False, levels=levels, reach=network.reach)
    found = np.full((2, *grid.shape), np.nan, np.float32)

    def take(window: tuple[slice, slice, slice], logits: torch.Tensor) -> None:
        found[:, *window] = logits.numpy()

    for _ in sample_logits(network, grid, placement('cpu'), tile, take):
        pass
    return found


PLAIN = Architecture(channels=4, attention='none', scale_aggregation=False, slice_encoder=False)
MODULES = {
    'plain': PLAIN,
    'channel': PLAIN.model_copy(update={'attention': 'channel'}),
    'spatial': PLAIN.model_copy(update={'attention': 'spatial'}),
    'aggregation': PLAIN.model_copy(update={'scale_aggregation': True}),
    'two levels': Architecture(channels=4, levels=2),
    'all': Architecture(channels=4),
}


@pytest.mark.parametrize('modules', MODULES)
def test_logits_of_tiles_are_bit_exact(modules: str) -> None:
    network = random_network(MODULES[modules])
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
        before = network(fields, noise)
        fields[0, 0, 32, 32, 32] += 3
        changed = (network(fields, noise) != before)[0].any(0)
    assert changed[32, 32, 32]
    assert (torch.nonzero(changed) - 32).abs().max() <= reach


def test_channel_norm_is_local() -> None:
    norm = ChannelNorm(6)
    x = torch.randn((1, 6, 5, 5, 5), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        norm.weight.fill_(2.0)
        norm.bias.fill_(0.5)
    norm.requires_grad_(False)
    before = norm(x)
    assert before.mean(1) == pytest.approx(torch.full((1, 5, 5, 5), 0.5).numpy(), abs=1e-5)
    assert before.std(1, correction=0) == pytest.approx(torch.full((1, 5, 5, 5), 2.0).numpy(), rel=1e-3)
    x[..., 2, 2, 2] = torch.arange(6.0) ** 2
    after = norm(x)
    same = (after == before).all(1)[0]
    assert not same[2, 2, 2]
    assert int((~same).sum()) == 1


def test_the_plain_network_has_no_trace_of_the_modules() -> None:
    plain, whole = build_network(PLAIN), build_network(MODULES['all'])
    assert type(plain) is UNet
    assert type(whole) is not UNet
    assert {name.split('.')[0] for name in plain.state_dict()} == {
        'enter', 'noise_scale', 'down', 'up', 'leave', 'head', 'sharpness',
    }  # fmt: skip
    assert {'attend', 'aggregate', 'encoder'} <= {name.split('.')[0] for name in whole.state_dict()}


def test_without_what_its_modules_add_the_network_of_the_paper_is_the_plain_one() -> None:
    plain = random_network(PLAIN)
    modulated = build_network(PLAIN.model_copy(update={'slice_encoder': True})).eval()
    modulated.load_state_dict(plain.state_dict(), strict=False)
    assert np.array_equal(logits_in_tiles(plain, 512), logits_in_tiles(modulated, 512))


def test_slices_change_what_a_network_with_an_encoder_makes_while_it_reads_them() -> None:
    network = random_network(Architecture(channels=4, attention='none', scale_aggregation=False))
    before = logits_in_tiles(network, 512)
    crops = [torch.ones((1, 2, 16, 16))] * 3
    with torch.no_grad(), reading_slices(network, lambda: crops):
        read = logits_in_tiles(network, 512)
    assert np.abs(read - before).mean() > 1e-3
    assert np.array_equal(logits_in_tiles(network, 512), before)
