"""Weights that cannot be end a command in one line, and leave nothing behind."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from napari_microrecon.engine.generator.checkpoint import shipped_weights

Cli = Callable[..., tuple[int, str, str]]

KEY = 'napari-microrecon'


def _nan(header: dict[str, Any], tensors: dict[str, torch.Tensor]) -> None:
    tensors['head.weight'] = torch.full_like(tensors['head.weight'], math.nan)


def _integers(header: dict[str, Any], tensors: dict[str, torch.Tensor]) -> None:
    tensors['head.weight'] = tensors['head.weight'].to(torch.int32)


def _fractions(header: dict[str, Any], tensors: dict[str, torch.Tensor]) -> None:
    header['fractions'] = [5, -4]


def _order(header: dict[str, Any], tensors: dict[str, torch.Tensor]) -> None:
    header['order'] = [0, 0]


def _newer(header: dict[str, Any], tensors: dict[str, torch.Tensor]) -> None:
    header['format'] = 999


def _grains(header: dict[str, Any], tensors: dict[str, torch.Tensor]) -> None:
    header['prior']['fields'][0]['density'] = 500.0


@pytest.mark.parametrize(
    ('change', 'word'),
    [
        (_nan, 'NaN'), (_integers, 'I32'), (_fractions, 'fractions'), (_order, 'order'), (_newer, 'newer version'),
        (_grains, 'density'),
    ],
)  # fmt: skip
@pytest.mark.parametrize('command', ['reconstruct', 'finetune'])
def test_weights_that_cannot_be(
    command: str, change: Callable[[Any, Any], None], word: str, cli: Cli, rocks: Path, tmp_path: Path
) -> None:
    with safe_open(shipped_weights()['limestone'], 'pt') as file:
        header = json.loads(file.metadata()[KEY])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    change(header, tensors)
    weights, output = tmp_path / 'odd.safetensors', tmp_path / 'out'
    save_file(tensors, weights, {KEY: json.dumps(header)})
    if command == 'reconstruct':
        more = ['--weights', weights, '--shape', 32, 32, 32, '--output', output / 'volume.tif']
    else:
        more = ['--from', weights, '--steps', 4, '--output', output / 'trained.safetensors']
    code, _, err = cli(command, rocks / 'slice.tif', '--device', 'cpu', *more)
    assert code == 2
    last = err.strip().splitlines()[-1]
    assert 'odd.safetensors' in last
    assert word in last
    assert not output.exists()
