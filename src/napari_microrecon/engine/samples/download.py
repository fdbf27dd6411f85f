"""Fetching published samples: a job with progress in bytes that can be cancelled at any moment."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ..errors import InputError
from ..progress import Job, Progress, Throttle
from ..volume import Volume
from .catalogue import get_sample
from .published import CACHE_VARIABLE, URL_VARIABLE, PublishedSample, cache_folder
from .sample import Sample

_CHUNK = 1 << 16  # bytes; small enough for a smooth bar on a slow line
_PATIENCE = 15.0  # seconds without a byte, after which the line counts as dead
_GRACE = 60.0  # seconds that a transfer may take whatever its size
_SLOWEST = 10_000.0  # bytes per second on average, below which it is given up: a server must not hold us for ever
_POLL = 0.05  # seconds between looks at the transfer


def fetch(name: str, *, sha256: str | None = None) -> Job[Volume]:
    """Fetch a sample and return its volume; progress is in bytes, closing the job cancels the transfer.

    An archive that is in the cache and intact is not fetched again. A bundled sample is simply loaded.

    Parameters
    ----------
    name : str
        Name of a published sample (berea, ketton) or of a bundled one.
    sha256 : str, optional
        What the archive must hash to instead of the recorded value: for a mirror that packed it anew. It decides
        about the cached archive too.

    Returns
    -------
    Job of Volume
        Labels 0 = grain, 1 = pore.

    Raises
    ------
    InputError
        At once if the name is not known; while it runs if the sample cannot be fetched or is not the published
        file. The message offers the synthetic sample that can stand in.
    """
    sample = get_sample(name)
    if not isinstance(sample, PublishedSample):
        return _load_bundled(sample)
    # A mirror's archive has another size than the published one, which no longer bounds it.
    return _fetch_published(sample if sha256 is None else sample.model_copy(update={'sha256': sha256, 'size': 0}))


def _load_bundled(sample: Sample) -> Job[Volume]:
    yield Progress(f'Loading {sample.name}')
    return sample.load_volume()


def _fetch_published(sample: PublishedSample) -> Job[Volume]:
    transfer = _Transfer(sample)
    throttle = Throttle()
    yield Progress(f'Looking for {sample.archive}')
    transfer.start()
    try:
        while not transfer.wait(_POLL):
            if transfer.seconds > transfer.patience:
                raise _explain(sample, _TooSlow())
            if throttle.ready():
                stage = f'Downloading {sample.archive}' if transfer.received else f'Connecting to {_host(sample)}'
                yield Progress(stage, transfer.received, transfer.size)
        if transfer.failure is not None:
            raise _explain(sample, transfer.failure) from transfer.failure
        yield Progress(f'Unpacking {sample.archive}', transfer.received, transfer.size)
        return sample.load_volume()
    finally:
        transfer.cancel()


class _TooLarge(Exception):
    """The server sends more than the archive can have."""


class _TooSlow(Exception):
    """The transfer has taken longer than a slow line would."""


class _Cancelled(Exception):
    """Ends the transfer's thread; pooch then removes the temporary file."""


class _Transfer:
    """Runs pooch, which blocks, in a thread, and streams through itself so that it can be watched and cut off.

    pooch writes to a temporary file in the cache folder, checks the hash and only then renames it, so no partial
    file ever has the final name.

    Attributes
    ----------
    received, size : int
        Bytes so far and in all; size 0 means not known.
    failure : Exception or None
        What ended the thread early.
    """

    def __init__(self, sample: PublishedSample) -> None:
        self.received = 0
        self.size = 0
        self.failure: Exception | None = None
        self._sample = sample
        self._folder = cache_folder()
        self._cancelled = threading.Event()
        self._response: Any = None
        self._started = time.monotonic()
        # Daemon: a dead line must not keep the process alive after its window has closed.
        self._thread = threading.Thread(target=self._run, name=f'fetch {sample.name}', daemon=True)

    @property
    def patience(self) -> float:
        """Seconds that the transfer may take in all."""
        return _GRACE + self._sample.largest / _SLOWEST

    @property
    def seconds(self) -> float:
        """Time since the beginning."""
        return time.monotonic() - self._started

    def start(self) -> None:
        """Begin."""
        self._started = time.monotonic()
        self._thread.start()

    def wait(self, seconds: float) -> bool:
        """Wait at most so long; whether the thread has ended."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def cancel(self) -> None:
        """Stop the transfer, if it still runs, and wait for its thread to clean up (at most one second)."""
        self._cancelled.set()
        response = self._response
        if response is not None and self._thread.is_alive():
            # Wakes a thread that waits for a silent server; urllib3 before 2.3 cannot, there the thread
            # ends when the server speaks or the patience is over.
            shutdown = getattr(response.raw, 'shutdown', None)
            if shutdown is not None:
                with suppress(OSError, ValueError, RuntimeError):  # it ended in the same moment
                    shutdown()
        if self._thread.is_alive():
            self._thread.join(1.0)

    def _run(self) -> None:
        import pooch

        try:
            with _silent(pooch.get_logger()):
                pooch.retrieve(
                    self._sample.url,
                    known_hash=f'sha256:{self._sample.sha256}',
                    fname=self._sample.archive,
                    path=self._folder,
                    downloader=self,
                )
        except Exception as error:  # told to the job's thread, which raises it there
            self.failure = error

    def __call__(self, url: str, output_file: str | Path, pooch: Any) -> None:
        """Stream `url` to `output_file`; the signature is that of a pooch downloader."""
        import requests

        # Unpacked on the way, half a megabyte would fill a disk: packed once is enough for an archive.
        plain = {'Accept-Encoding': 'identity'}
        with requests.get(url, stream=True, timeout=_PATIENCE, headers=plain) as response:
            self._response = response
            response.raise_for_status()
            self.size = _length(response.headers.get('Content-Length'))
            if self.size > self._sample.largest or response.headers.get('Content-Encoding', 'identity') != 'identity':
                raise _TooLarge
            with open(output_file, 'wb') as file:
                for chunk in response.iter_content(_CHUNK):
                    if self._cancelled.is_set():
                        break
                    self.received += len(chunk)
                    if self.received > self._sample.largest:
                        raise _TooLarge
                    file.write(chunk)
        if self._cancelled.is_set():
            raise _Cancelled


def _length(text: str | None) -> int:
    """What a server says of the length, 0 where that is no number."""
    return int(text) if text is not None and text.isascii() and text.isdigit() else 0


@contextmanager
def _silent(logger: logging.Logger) -> Iterator[None]:
    """Keep pooch from writing 'Downloading data from ...' to stderr, and leave its logger as it was."""
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)


def _host(sample: PublishedSample) -> str:
    return urlsplit(sample.url).netloc or sample.url


def _explain(sample: PublishedSample, error: Exception) -> InputError:
    """What went wrong, in one line with the way out."""
    import requests
    from requests.exceptions import InvalidURL

    way_out = f'or use the synthetic sample {sample.stand_in!r}, which needs no network'
    address = f'check the address {sample.url}, {way_out}'
    if isinstance(error, _TooLarge):
        problem = (
            f'what {_host(sample)} sends is larger than the {sample.largest / 1e6:.3g} MB of the archive, or packed'
        )
        return InputError(sample.name, problem, address)
    if isinstance(error, _TooSlow):
        problem = f'{_host(sample)} sends less than {_SLOWEST / 1e3:.0f} kB a second'
        return InputError(sample.name, problem, f'try again later, {way_out}')
    if isinstance(error, requests.HTTPError) and error.response is not None:
        answer = f'{error.response.status_code} {error.response.reason}'
        return InputError(sample.name, f'{_host(sample)} answered {answer}', address)
    if isinstance(error, requests.Timeout):
        return InputError(sample.name, f'{_host(sample)} did not answer', f'try again later, {way_out}')
    if isinstance(error, requests.exceptions.InvalidSchema | requests.exceptions.MissingSchema | InvalidURL):
        return InputError(sample.name, f'{sample.url} is no http address', f'correct {URL_VARIABLE}, {way_out}')
    if isinstance(error, requests.RequestException):
        problem = f'cannot be fetched from {_host(sample)} (no network, or the server is not there)'
        return InputError(sample.name, problem, f'connect to the network, {way_out}')
    if isinstance(error, ValueError):  # pooch's word for a wrong hash
        problem = f'what {_host(sample)} sent is not the published file (its sha256 differs)'
        return InputError(sample.name, problem, f'try again, {way_out}')
    if isinstance(error, OSError):
        problem = f'cannot be kept in {cache_folder()} ({error.strerror or error})'
        return InputError(sample.name, problem, f'free space there or set {CACHE_VARIABLE} to another folder')
    return InputError(sample.name, f'cannot be fetched ({type(error).__name__}: {error})', f'try again, {way_out}')
