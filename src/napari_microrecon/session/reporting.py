"""Tasks that write what was measured: the report as a page, as data, as a table; single plots."""

from __future__ import annotations

from pathlib import Path

from ..engine.errors import InputError
from ..engine.progress import Job as EngineJob
from ..engine.progress import Progress
from .session import Session
from .task import Task
from .words import lacking

REPORT_OUTPUTS = ('.html', '.json', '.csv')


def save_report(session: Session, path: Path) -> Task:
    """Write the comparison, or the report where there is no reference, as .html, .json or .csv."""
    subject, ensemble = (
        session.findings.comparison or session.findings.report,
        session.findings.ensemble,
    )
    if subject is None:
        raise InputError('report', 'nothing has been measured yet', 'press Measure in step 4 first')
    _need_complete(session)
    if path.suffix.lower() not in REPORT_OUTPUTS:
        raise InputError(path.name, 'cannot be written', f'end the name in {" or ".join(REPORT_OUTPUTS)}')
    own = session.material.measured is not None and any(
        session.material.measured is volume for volume in session.material.volumes
    )
    verdict, slices = session.findings.shape, session.material.slices
    pictured = (
        session.material.measured,
        None if session.findings.comparison is None else session.material.reference,
    )
    volumes = [volume for volume in pictured if volume is not None]

    def run() -> EngineJob[None]:
        from ..engine.files.targets import write_text
        from ..engine.report_output import ShapeEvidence, report_html, table_csv

        yield Progress(f'Writing {path.name}')
        if path.suffix.lower() == '.json':
            text = subject.to_json()
        elif path.suffix.lower() == '.csv':
            text = table_csv(subject, ensemble)
        else:
            shape = ShapeEvidence(verdict, slices) if own and verdict is not None and slices is not None else None
            text = report_html(subject, volumes, ensemble, shape)
        write_text(path, text)

    return Task('save', f'Writing {path.name}', run, lambda _: session.say(f'Wrote {path}', 'success'))


def save_plot(session: Session, path: Path, key: str) -> Task:
    """Write one curve, or one number beside its bands, as .png or .svg."""
    subject, ensemble = (
        session.findings.comparison or session.findings.report,
        session.findings.ensemble,
    )
    if subject is None:
        raise InputError('plot', 'nothing has been measured yet', 'press Measure in step 4 first')
    _need_complete(session)

    def run() -> EngineJob[None]:
        from ..engine.report_output import write_plot

        yield Progress(f'Writing {path.name}')
        write_plot(path, subject, key, ensemble)

    return Task('save', f'Writing {path.name}', run, lambda _: session.say(f'Wrote {path}', 'success'))


def _need_complete(session: Session) -> None:
    """Refuse numbers of a measurement that was stopped: nobody who reads them later would know."""
    if missing := lacking(session.material):
        raise InputError('measurement', f'is not complete, it lacks {missing}', 'press Measure in step 4 again')
