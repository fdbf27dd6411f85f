"""Mutated files of every kind that the product reads, and how each kind is read; one seed, one file."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from PIL import Image

from napari_microrecon.engine.phases import Phases
from napari_microrecon.engine.slices import Slice, SliceSet
from napari_microrecon.engine.volume import Volume
from napari_microrecon.engine.voxels import VoxelSize

from . import mutations as m
from .mutations import Rng

KINDS = ('tiff', 'png', 'jpeg', 'bmp', 'npy', 'zarr2', 'zarr3', 'weights', 'run', 'checkpoint')
PREPARED = ('weights', 'run', 'checkpoint')  # take seconds to make: once, in `prepare`


def _labels(*shape: int) -> np.ndarray:
    coarse = np.random.default_rng(0).integers(0, 2, [-(-n // 8) for n in shape], np.uint8)
    return np.kron(coarse, np.ones([8] * len(shape), np.uint8))[tuple(slice(n) for n in shape)]


def _grey(*shape: int) -> np.ndarray:
    return (60 + 120 * _labels(*shape) + np.random.default_rng(1).integers(0, 30, shape)).astype(np.uint8)


def _tiff(rng: Rng, folder: Path) -> bytes:
    """One of the layouts that programs write."""
    from napari_microrecon.engine.files import write_slice, write_volume

    grey, stack, buffer = _grey(64, 80), _grey(6, 40, 48), io.BytesIO()
    size = VoxelSize.cube(1.5, 'um')
    way = int(rng.integers(16))
    if way == 0:
        return write_volume(Volume(_labels(8, 40, 48), Phases.default(2), size), folder / 'o.tif').read_bytes()
    if way == 1:
        return write_slice(Slice(_labels(64, 80), Phases.default(2), voxel_size=size), folder / 'o.tif').read_bytes()
    if way in (2, 3, 4):
        frames = [Image.fromarray(plane) for plane in stack]
        compression = {2: 'tiff_lzw', 3: 'packbits', 4: 'jpeg'}[way]
        frames[0].save(buffer, 'TIFF', compression=compression, save_all=way == 2, append_images=frames[1:])
        return buffer.getvalue()
    if way == 5:
        Image.fromarray(grey > 120).save(buffer, 'TIFF', compression='group4')
        return buffer.getvalue()
    options: dict[int, tuple[np.ndarray, dict[str, Any]]] = {
        6: (grey, {}),
        7: (stack, {'imagej': True, 'resolution': (2, 2), 'metadata': {'unit': 'um', 'spacing': 1.5, 'axes': 'ZYX'}}),
        8: (stack, {'ome': True, 'metadata': {'axes': 'ZYX', 'PhysicalSizeX': 1.0}}),
        9: (stack, {'bigtiff': True, 'compression': 'zlib'}),
        10: (grey, {'tile': (16, 16), 'compression': 'zlib', 'predictor': True}),
        11: (stack, {'compression': 'lzma', 'rowsperstrip': 7}),
        12: (grey.astype('>u2') * 7, {'byteorder': '>', 'rowsperstrip': 9}),
        13: (np.stack([grey, grey, grey // 2], -1), {'photometric': 'rgb', 'planarconfig': 'contig'}),
        14: (stack.astype(np.float32), {'metadata': None}),
        15: (grey, {'subifds': 1, 'ome': True}),
    }
    pixels, chosen = options[way]
    with tifffile.TiffWriter(
        buffer, **{key: chosen.pop(key) for key in ('imagej', 'ome', 'bigtiff', 'byteorder') if key in chosen}
    ) as file:
        file.write(pixels, **({'photometric': 'minisblack'} | chosen))
        if way == 15:
            file.write(pixels[::2, ::2], subfiletype=1, photometric='minisblack')
    return buffer.getvalue()


def _picture(content: str, rng: Rng) -> bytes:
    grey, buffer = Image.fromarray(_grey(64, 80)), io.BytesIO()
    modes = {'PNG': ('L', 'RGB', 'RGBA', 'P', '1', 'I;16'), 'JPEG': ('L', 'RGB', 'CMYK'), 'BMP': ('L', 'RGB', 'P', '1')}
    mode = str(rng.choice(np.array(modes[content])))
    image = Image.fromarray(np.asarray(grey).astype(np.uint16) * 100) if mode == 'I;16' else grey.convert(mode)
    image.save(buffer, content, **({'progressive': bool(rng.integers(2))} if content == 'JPEG' else {}))
    return buffer.getvalue()


def _npy(rng: Rng) -> bytes:
    buffer = io.BytesIO()
    kind = str(rng.choice(np.array(['u1', '>u2', 'i4', 'u8', 'f4', 'f8', '?'])))
    pixels = _grey(64, 80) if rng.random() < 0.5 else _grey(6, 40, 48)
    order = np.asfortranarray(pixels) if rng.random() < 0.3 else pixels
    np.save(buffer, order > 120 if kind == '?' else order.astype(kind, order='K'))
    return buffer.getvalue()


def _zarr(path: Path, fmt: int, rng: Rng) -> None:
    from napari_microrecon.engine.files import write_volume

    if fmt == 3 and rng.random() < 0.4:
        write_volume(Volume(_labels(40, 40, 40), Phases.default(2), VoxelSize.cube(1.5, 'um')), path)
        return
    import zarr

    group = zarr.open_group(path, mode='w', zarr_format=fmt)  # type: ignore[arg-type]
    options: dict[str, Any] = {'shards': (32, 32, 32)} if fmt == 3 and rng.random() < 0.4 else {}
    if fmt == 2 and rng.random() < 0.5:
        options['chunk_key_encoding'] = {'name': 'v2', 'separator': '/'}
    kind = str(rng.choice(np.array(['uint8', 'uint16', 'float32'])))
    array = group.create_array('0', shape=(40, 40, 40), chunks=(16, 16, 16), dtype=kind, **options)
    array[...] = _grey(40, 40, 40)
    scale = [{'type': 'scale', 'scale': [1.5] * 3}]
    described = [
        {
            'axes': [{'name': a, 'type': 'space', 'unit': 'micrometer'} for a in 'zyx'],
            'datasets': [{'path': '0', 'coordinateTransformations': scale}],
        }
    ]
    if fmt == 3:
        group.attrs['ome'] = {'version': '0.5', 'multiscales': described}
    else:
        group.attrs['multiscales'] = described


def prepare(folder: Path, kinds: tuple[str, ...]) -> None:
    """Make the originals that take long: weights, a run, a training that was stopped."""
    from importlib.resources import files

    weights = Path(str(files('napari_microrecon'))) / 'weights' / 'sandstone.safetensors'
    if 'weights' in kinds:
        shutil.copy(weights, folder / 'weights.safetensors')
    blobs = np.random.default_rng(2).integers(0, 2, (16, 16), np.uint8)
    slices = SliceSet.of([Slice(np.kron(blobs, np.ones((4, 4), np.uint8)), Phases.named('grain', 'pore', pore=1))])
    if 'run' in kinds:
        from napari_microrecon.engine.files import write_volume
        from napari_microrecon.engine.generator.checkpoint import Weights
        from napari_microrecon.engine.generator.params import ReconstructParams
        from napari_microrecon.engine.provenance import hash_array
        from napari_microrecon.engine.run import Run

        run = Run.create(folder / 'run', 'reconstruct', slices, Weights.load(weights), ReconstructParams())
        volume = Volume(_labels(32, 32, 32), slices.phases)
        run.add_output('volume', write_volume(volume, folder / 'run' / 'v.tif'), hash_array(volume.labels))
        run.finish()
    if 'checkpoint' in kinds:
        from napari_microrecon.engine.generator import choose_weights, finetune
        from napari_microrecon.engine.generator.params import Architecture, FinetuneParams
        from napari_microrecon.engine.progress import drain

        start = choose_weights('scratch', slices).weights
        few = FinetuneParams(minutes=None, steps=10, box=32, evaluations=2, critic_start=0.2, sections=4, threads=1)
        small = Architecture(channels=8)
        state = folder / 'checkpoint.safetensors'
        drain(finetune(slices, start, few, architecture=small, checkpoint=state, stop_after=4))


def _change(data: bytes, rng: Rng, *special: Callable[[bytes, Rng], bytes]) -> bytes:
    ways = [*m.ANY, *special * 2]
    for _ in range(int(rng.choice([1, 1, 1, 2, 3]))):
        try:
            data = ways[int(rng.integers(len(ways)))](data, rng)
        # The second damage may need a structure that the first one destroyed.
        except Exception:
            data = m.flip(data, rng) if data else data
    return data


def _change_folder(path: Path, rng: Rng, chance_of_json: float) -> None:
    """Damage one or two of the files of a folder, or remove, empty or copy one over another."""
    for _ in range(int(rng.choice([1, 1, 2]))):
        every = sorted(p for p in path.rglob('*') if p.is_file())
        described = [p for p in every if p.suffix == '.json' or p.name in ('.zarray', '.zattrs', '.zgroup')]
        chosen = described if described and rng.random() < chance_of_json else every
        if not chosen:
            return
        file = chosen[int(rng.integers(len(chosen)))]
        way = rng.random()
        if way < 0.08:
            file.unlink()
        elif way < 0.12:
            file.write_bytes(b'')
        elif way < 0.16:
            file.write_bytes(every[int(rng.integers(len(every)))].read_bytes())
        else:
            is_json = file in described
            file.write_bytes(_change(file.read_bytes(), rng, *([m.json_node] * 6 if is_json else ())))


def make(kind: str, seed: int, folder: Path, prepared: Path | None = None) -> Path:
    """Write the mutated file (or folder) of that seed into `folder` and return its path."""
    rng = np.random.default_rng([KINDS.index(kind), seed])
    if kind in ('zarr2', 'zarr3'):
        path = folder / 'm.ome.zarr'
        _zarr(path, int(kind[-1]), rng)
        _change_folder(path, rng, 0.7)
        return path
    if kind == 'run':
        path = folder / 'm.run'
        shutil.copytree(_of(prepared) / 'run', path)
        _change_folder(path, rng, 0.8)
        return path
    made: dict[str, Callable[[], tuple[str, bytes, tuple[Callable[[bytes, Rng], bytes], ...]]]] = {
        'tiff': lambda: ('m.tif', _tiff(rng, folder), (m.tiff_entry, m.tiff_entry, m.tiff_loop)),
        'png': lambda: ('m.png', _picture('PNG', rng), (m.png_chunk, m.png_chunk)),
        'jpeg': lambda: ('m.jpg', _picture('JPEG', rng), ()),
        'bmp': lambda: ('m.bmp', _picture('BMP', rng), ()),
        'npy': lambda: ('m.npy', _npy(rng), (m.digits,)),
        'weights': lambda: _safe(prepared, 'weights'),
        'checkpoint': lambda: _safe(prepared, 'checkpoint'),
    }
    name, data, special = made[kind]()
    path = folder / name
    path.write_bytes(_change(data, rng, *special))
    return path


def _of(prepared: Path | None) -> Path:
    if prepared is None:
        raise ValueError('prepare() comes first')
    return prepared


def _safe(prepared: Path | None, kind: str) -> tuple[str, bytes, tuple[Callable[[bytes, Rng], bytes], ...]]:
    data = (_of(prepared) / f'{kind}.safetensors').read_bytes()
    return 'm.safetensors', data, (m.safetensors_header,) * 4


def read(kind: str, path: Path) -> str:
    """Read a mutated file as the product does, as far as labels; return what it remarked."""
    from napari_microrecon.engine.files import read_image, read_prepared, read_volume

    if kind == 'weights':
        from napari_microrecon.engine.generator.checkpoint import Weights

        weights = Weights.load(path)
        weights.calibrated(np.full(weights.phases.count, 1 / weights.phases.count))
        return ''
    if kind == 'checkpoint':
        from napari_microrecon.engine.generator.training_state import TrainingState

        TrainingState.load(path)
        return ''
    if kind == 'run':
        from napari_microrecon.engine.generator.checkpoint import Weights
        from napari_microrecon.engine.run import Run

        run = Run.open(path)
        run.load_slices()
        Weights.load(run.need_input('weights'))
        return '; '.join(filter(None, (volume.note for volume in run.load_volumes())))
    image = read_image(path)
    if image.kind == 'stack':
        return read_volume(path, None if image.values else 2, on_note=lambda _: None).note
    return read_prepared(path, phases=None if image.values else 2).picture.image.note


def describe(kind: str, seed: int) -> str:
    """How to get that file again."""
    return json.dumps({'kind': kind, 'seed': seed})
