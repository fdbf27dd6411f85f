"""Jobs run to their end, with a bar in the terminal or the notebook."""

from __future__ import annotations

import contextlib
import warnings
from typing import TypeVar

from ..engine.progress import Job, Progress, Throttle, drain

Result = TypeVar('Result')


def run(job: Job[Result], progress: bool) -> Result:
    """Run a job to its end; an interrupt (Ctrl-C, the notebook's stop button) stops it and frees what it holds."""
    with contextlib.closing(job):
        return _with_bar(job) if progress else drain(job)


def _with_bar(job: Job[Result]) -> Result:
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # of notebooks without ipywidgets: the bar is text then
        from tqdm.auto import tqdm

        bar = tqdm(total=0, leave=True, bar_format='{desc} {bar} {n_fmt}/{total_fmt} [{elapsed}{postfix}]')
    stage, often = '', Throttle(0.1)

    def show(sign: Progress) -> None:
        nonlocal stage
        if sign.stage != stage or (sign.total or 0) != (bar.total or 0):
            stage = sign.stage
            bar.total = sign.total
        elif not often.ready():
            return
        bar.n = sign.step
        bar.set_description_str(stage, refresh=False)
        bar.set_postfix_str(_left(sign), refresh=False)
        bar.refresh()

    with bar:
        result = drain(job, show)
        bar.n, bar.total = 1, 1
        bar.set_description_str('done', refresh=False)
        bar.set_postfix_str('', refresh=False)
    return result


def _left(sign: Progress) -> str:
    seconds = sign.metrics.get('seconds_left')
    return '' if seconds is None else f'about {seconds:.0f} s left'
