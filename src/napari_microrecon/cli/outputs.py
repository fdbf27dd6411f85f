"""Names of what a command writes, derived from its --output."""

from __future__ import annotations

from pathlib import Path


def beside(output: Path) -> Path:
    """Return the run folder that belongs to an output: OUT.run beside OUT.tif or OUT.ome.zarr."""
    return output.with_name(_split(output)[0] + '.run')


def numbered(output: Path, count: int) -> list[Path]:
    """OUT.tif for one volume, else OUT_000.tif, OUT_001.tif, ..."""
    if count == 1:
        return [output]
    stem, ending = _split(output)
    return [output.with_name(f'{stem}_{i:03d}{ending}') for i in range(count)]


def _split(output: Path) -> tuple[str, str]:
    for ending in ('.ome.zarr', '.ome.tif', '.ome.tiff', output.suffix):
        if output.name.lower().endswith(ending.lower()) and ending:
            return output.name[: -len(ending)], output.name[-len(ending) :]
    return output.name, ''
