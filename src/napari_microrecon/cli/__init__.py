"""The engine on the command line: slices in, volumes, weights and reports out.

Exit codes: 0 done; 1 it failed although the input was good; 2 bad input, told in one line on stderr; 130 stopped.
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import signal
import sys
import threading
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from .. import __version__
from ..engine.errors import EngineError, InputError, NoSpaceError
from ..engine.files.failures import write_error
from ..engine.plugins import PluginWarning
from . import (
    demo,
    evaluate,
    export,
    finetune,
    hold_back,
    priors,
    reconstruct,
    replay,
    representativity,
    samples,
    slice_count,
)
from .terminal import fail, say

_HELP = 'Turn 2D slices of a material into 3D microstructures and compare them with real ones.'
# Newer typer carries its own click: the base of all usage errors is reached through a public name.
_UsageError: Any = next(base for base in typer.BadParameter.__mro__ if base.__name__ == 'ClickException')

_SMALLER = 'use a smaller --shape or a --tile'
_CROPPED = 'use --crop or --coarsen'
_LESS_MEMORY = {
    'reconstruct': _SMALLER, 'hold-back': 'use a smaller --shape', 'finetune': 'give smaller slices',
    'analyze': _CROPPED, 'compare': 'crop the volumes first', 'representativity': 'crop the volume first',
    'novelty': 'crop the volume first', 'export': 'crop the volume first', 'demo': 'use a smaller --edge',
}  # fmt: skip

app = typer.Typer(
    name='napari-microrecon',
    help=_HELP,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={'help_option_names': ['-h', '--help']},
)
app.command('demo')(demo.demo)
app.add_typer(samples.app, name='samples')
app.command('priors')(priors.priors)
app.command('reconstruct')(reconstruct.reconstruct)
app.command('finetune')(finetune.finetune)
app.command('analyze')(evaluate.analyze)
app.command('compare')(evaluate.compare)
app.command('representativity')(representativity.representativity)
app.command('novelty')(representativity.novelty)
app.command('hold-back')(hold_back.hold_back)
app.command('export')(export.export)
app.command('methods')(export.methods)
app.command('slice-count')(slice_count.slice_count)
app.command('replay')(replay.replay)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _common(
    version: Annotated[
        bool, typer.Option('--version', callback=_show_version, is_eager=True, help='Show the version and stop.')
    ] = False,
) -> None:
    """Hold the options that every command shares."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; nothing escapes as a traceback."""
    debug = bool(os.environ.get('NAPARI_MICRORECON_DEBUG'))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A name or a unit that the terminal cannot show must not cost the work.
            stream.reconfigure(errors='backslashreplace')
    try:
        with _quiet_libraries(), _terminated():
            code = app(
                args=list(sys.argv[1:] if arguments is None else arguments),
                standalone_mode=False,
                prog_name='napari-microrecon',
            )
            if sys.stdout is not None:
                sys.stdout.flush()
        # typer turns Ctrl-C into this code without a word
        return fail('stopped', 130) if code == 130 else code if isinstance(code, int) else 0
    except _Terminated:
        return fail('terminated', 143)
    except NoSpaceError as error:
        return fail(str(error), 1)
    except InputError as error:
        return fail(str(error), 2)
    except EngineError as error:
        return fail(str(error), 1)
    except _UsageError as error:
        # Empty where only the help was asked for, by giving no command at all.
        message = error.format_message()
        return fail(f'{message.rstrip(".?")}; see napari-microrecon --help', 2) if message else 2
    except (KeyboardInterrupt, typer.Abort):
        return fail('stopped', 130)
    except BrokenPipeError:
        # The reader of a pipe went away, as with `| head`: no error. Python must not flush into it at exit.
        if sys.stdout is not None:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except MemoryError:
        return fail(f'memory: the machine ran out of it; {_less_memory()}', 1)
    except OSError as error:
        if debug:
            raise
        subject = os.fsdecode(error.filename) if error.filename is not None else 'output'
        return fail(str(write_error(Path(subject), error)), 1)
    except Exception as error:
        if debug:
            raise
        return fail(f'{type(error).__name__}: {error}; set NAPARI_MICRORECON_DEBUG=1 to see where it comes from', 1)


class _Terminated(BaseException):
    """The system asked the program to end: what is at work stops and keeps what it has."""


def _less_memory() -> str:
    """What needs less of it, for the command that was given."""
    command = next((word for word in sys.argv[1:] if not word.startswith('-')), '')
    return _LESS_MEMORY.get(command, 'close other programs, or use smaller files')


@contextlib.contextmanager
def _terminated() -> Iterator[None]:
    """Let SIGTERM end the work as Ctrl-C does, so that a training keeps its latest state."""

    def stop(*_: object) -> None:
        raise _Terminated

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _say_warning(message: Warning | str, *_: object) -> None:
    """Print a warning in one line."""
    say(f'napari-microrecon: {message}')


@contextlib.contextmanager
def _quiet_libraries() -> Iterator[None]:
    """Keep remarks of libraries off stderr, which carries one line per problem, unless Python was told otherwise."""
    silent = logging.NullHandler()
    logging.root.addHandler(silent)
    try:
        with warnings.catch_warnings():
            if not sys.warnoptions:
                warnings.simplefilter('ignore')
                warnings.simplefilter('always', PluginWarning)
                warnings.showwarning = _say_warning
            yield
    finally:
        logging.root.removeHandler(silent)
