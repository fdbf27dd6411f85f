"""Tasks that write what a session holds to files."""

from __future__ import annotations

from pathlib import Path

from ..engine.errors import InputError
from ..engine.progress import Job as EngineJob
from ..engine.progress import Progress
from .session import Session
from .task import Task


def check_not_read(session: Session, path: Path) -> None:
    """Refuse the file of a volume that the reconstruction is compared with."""
    from ..engine.files.targets import check_not_input

    origins = map(session.material.origin_of, session.material.kept)
    check_not_input(path, [origin.where for origin in origins if origin.kind == 'file'])


def save_volume(session: Session, path: Path) -> Task:
    """Write the reconstruction with its voxel size, phases and provenance."""
    volume = session.need_volume()
    check_not_read(session, path)

    def run() -> EngineJob[None]:
        from ..engine.files import write_volume

        yield Progress(f'Writing {path.name}')
        write_volume(volume, path)

    return Task('save', f'Writing {path.name}', run, lambda _: session.say(f'Wrote {path}', 'success'))


def save_weights(session: Session, path: Path) -> Task:
    """Write the fine-tuned weights."""
    tuned = session.material.tuned
    if tuned is None:
        raise InputError('weights', 'nothing has been fine-tuned yet', 'press Fine-tune first')

    def run() -> EngineJob[None]:
        yield Progress(f'Writing {path.name}')
        tuned.save(path)

    return Task('save', f'Writing {path.name}', run, lambda _: session.say(f'Wrote {path}', 'success'))
