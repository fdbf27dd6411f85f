"""Tasks that hand results on: a volume in another format, and the paragraph for a paper."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..engine.errors import InputError
from ..engine.progress import Job as EngineJob
from ..engine.progress import Progress
from .saving import check_not_read
from .session import Session
from .task import Task
from .words import lacking


def export(session: Session, key: str, path: Path, phase: int | None = None) -> Task:
    """Write the reconstruction, or what belongs to it, in one of the engine's formats.

    Raises
    ------
    InputError
        At once, if there is nothing to write or it cannot be written so.
    """
    from ..engine.export import check_export

    volume = session.need_volume()
    check_not_read(session, path)
    check_export(volume, key, path, phase)
    measured = session.findings.comparison or session.findings.report
    label = volume.phases.main if phase is None else phase
    report = session.findings.report
    # What has been measured serves where it is about this volume and phase; else it is measured now.
    serves = report is not None and report.phase == label and report.volume.name == volume.name
    serves = serves and not lacking(session.material)
    subject = measured if serves else None
    beside = (
        [v for v in (volume, session.material.reference) if v is not None] if session.findings.comparison else [volume]
    )
    run, tuned = session.material.run, session.material.tuned

    def job() -> EngineJob[Any]:
        from ..engine.export import export as write

        weights = None
        if key == 'weights':
            from ..engine.generator import Weights

            used = volume.provenance.weights
            sha256 = '' if used is None else used.sha256
            found = [tuned] if tuned is not None else []
            if run is not None and (path_of := run.input_path('weights')) is not None:
                found.append(Weights.load(path_of))
            weights = next((one for one in found if one.sha256 == sha256), None)
        return (yield from write(volume, key, path, phase, subject=subject, beside=beside, weights=weights))

    def accept(done: Any) -> None:
        session.say(f'Wrote {done.path.name}: {done.sentence}', 'success')

    return Task('save', f'Writing {path.name}', job, accept)


def methods(session: Session, then: Callable[[str], None]) -> Task:
    """Write the paragraph about the reconstruction and hand it to `then`, which copies it."""
    volume, slices, run = session.need_volume(), session.material.slices, session.material.run
    notes = [draft.note for draft in session.material.drafts]
    others = session.material.volumes[1:] if volume is session.material.volume else ()
    shape = (
        session.findings.shape.words if session.findings.shape is not None and volume is session.material.volume else ''
    )

    def job() -> EngineJob[str]:
        from ..engine.export import methods_of_run, methods_paragraph

        yield Progress('Writing the methods paragraph')
        recorded = run is not None and run.record.command == 'reconstruct'
        if run is not None and recorded and volume.provenance.kind == 'reconstruction':
            try:
                return methods_of_run(run)
            except InputError:  # moved or deleted meanwhile: what is in memory serves
                yield Progress('Writing the methods paragraph')
        return methods_paragraph(volume, None, slices, others, notes, shape)

    def accept(text: str) -> None:
        then(text)
        session.say('The methods paragraph is in the clipboard: paste it into your paper', 'success')

    return Task('save', 'Writing the methods paragraph', job, accept)
