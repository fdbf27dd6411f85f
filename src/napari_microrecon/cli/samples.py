"""`samples`: the materials that come with the package and those that can be fetched."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..engine.files import VOLUME_OUTPUTS, check_target, write_volume
from . import options as opt
from .terminal import Terminal

app = typer.Typer(help='List the samples, or write one as a file.', invoke_without_command=True)


@app.callback()
def _default(context: typer.Context, as_json: opt.Json = False) -> None:
    """List the samples, or write one as a file."""
    if context.invoked_subcommand is None:
        list_samples(as_json)


@app.command('list')
def list_samples(as_json: opt.Json = False) -> None:
    """List the bundled samples and the published ones that can be fetched."""
    from ..engine.samples import bundled_samples, published_samples

    every = (*bundled_samples(), *published_samples())
    width = max(len(sample.name) for sample in every)
    sentences = [
        f'{s.name:{width}}  {"synthetic, bundled" if s.kind == "synthetic" else "measured, fetched":18}  {s.title}'
        for s in every
    ]
    data = [
        {
            'name': s.name, 'title': s.title, 'kind': s.kind, 'phases': s.phases.names,
            'voxel_size': s.voxel_size.zyx, 'unit': s.voxel_size.unit, 'weights': s.weights,
        }
        for s in every
    ]  # fmt: skip
    Terminal(as_json).result(sentences, {'samples': data})


@app.command('fetch')
def fetch_sample(
    name: Annotated[str, typer.Argument(metavar='NAME', help='As listed by `samples list`.')],
    output: Annotated[
        Path | None, typer.Option('--output', '-o', help='Volume to write; default NAME.tif in this folder.')
    ] = None,
    overwrite: opt.Overwrite = False,
    as_json: opt.Json = False,
) -> None:
    """Write a sample's volume as a file; a published one is downloaded, verified and cached first."""
    from ..engine.samples import fetch, get_sample

    terminal = Terminal(as_json)
    sample = get_sample(name)
    target = check_target(output or Path(f'{name}.tif'), VOLUME_OUTPUTS, overwrite=overwrite, foreign=False)
    volume = sample.load_volume() if sample.kind == 'synthetic' else terminal.run(fetch(name))
    write_volume(volume, target)
    size = ' x '.join(map(str, volume.shape))
    fractions = ', '.join(f'{n} {f:.4f}' for n, f in zip(volume.phases.names, volume.fractions, strict=True))
    terminal.result(
        [f'wrote {target}: {sample.title}, {size} voxels of {volume.voxel_size}; {fractions}'],
        {
            'name': name, 'output': str(target), 'shape': volume.shape, 'voxel_size': volume.voxel_size.zyx,
            'unit': volume.voxel_size.unit, 'phases': volume.phases.names,
            'fractions': [float(f) for f in volume.fractions],
        },
    )  # fmt: skip
