"""A Run: a folder that holds everything needed to make a result again.

::

    out.run/
        run.json                   command, parameters, hashes, seed, device, versions, outputs
        inputs/slice_000.tif       the slices as they were segmented, with plane, position and voxel size
        inputs/weights.safetensors the weights that were used (for fine-tuning: that it started from)
        inputs/resume.safetensors  fine-tuning only: the checkpoint that it went on from
        inputs/training_volume.tif conditioned reconstruction only: the 3D material that it learned from, if any
        checkpoint.safetensors     fine-tuning only: the best weights so far
"""

from __future__ import annotations

from .folder import Run, RunExistsError, hash_tensors
from .record import CHECKPOINT, RECORD, Command, ReferenceRecord, RunFile, RunRecord

__all__ = [
    'CHECKPOINT',
    'RECORD',
    'Command',
    'ReferenceRecord',
    'Run',
    'RunExistsError',
    'RunFile',
    'RunRecord',
    'hash_tensors',
]
