"""The report on a phase, as a page or as data."""

from __future__ import annotations

from ...files import write_text
from ...progress import Job, Progress
from ..formats import Exported, Format, Order


class _Report(Format):
    key = 'report'
    title = 'Report'
    endings = ('.html', '.json')
    opens = 'a browser (.html) or a script (.json): all statistics'
    phase = True
    place = 70

    def write(self, order: Order) -> Job[Exported]:
        from ...analysis import measure
        from ...report_output import report_html

        subject, shown = order.subject, list(order.beside) or [order.volume]
        if subject is None:
            subject, shown = (yield from measure(order.volume, order.label)), [order.volume]
        yield Progress(f'Writing {order.path.name}')
        as_json = order.path.suffix.lower() == '.json'
        write_text(order.path, subject.to_json() if as_json else report_html(subject, shown))
        return Exported(order.path, f'report on {order.name}', {'phase': order.label})


FORMATS = (_Report(),)
