"""Tasks that write what a session holds to files."""

from __future__ import annotations

from pathlib import Path

from ..engine.errors import InputError
from ..engine.progress import Job as EngineJob
from ..engine.progress import Progress
from .session import Session
from .task import Task


def save_volume(session: Session, path: Path) -> Task:
    """Write the reconstruction with its voxel size, phases and provenance."""
    volume = session.need_volume()

    def run() -> EngineJob[None]:
        from ..engine.files import write_volume

        yield Progress(f'Writing {path.name}')
        write_volume(volume, path)

    return Task('save', f'Writing {path.name}', run, lambda _: session.say(f'Wrote {path}', 'success'))


def save_report(session: Session, path: Path) -> Task:
    """Write the comparison, or the report where there is no reference, as .html or .json."""
    subject = session.comparison or session.report
    if subject is None:
        raise InputError('report', 'nothing has been measured yet', 'press Measure in step 4 first')
    volumes = [v for v in (session.volume, session.reference) if v is not None]

    def run() -> EngineJob[None]:
        from ..engine.analysis import report_html

        yield Progress(f'Writing {path.name}')
        text = subject.to_json() if path.suffix == '.json' else report_html(subject, volumes)
        path.write_text(text, encoding='utf-8')

    return Task('save', f'Writing {path.name}', run, lambda _: session.say(f'Wrote {path}', 'success'))


def save_weights(session: Session, path: Path) -> Task:
    """Write the fine-tuned weights."""
    tuned = session.tuned
    if tuned is None:
        raise InputError('weights', 'nothing has been fine-tuned yet', 'press Fine-tune first')

    def run() -> EngineJob[None]:
        yield Progress(f'Writing {path.name}')
        tuned.save(path)

    return Task('save', f'Writing {path.name}', run, lambda _: session.say(f'Wrote {path}', 'success'))
