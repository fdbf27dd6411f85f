"""Pull the power spectra of a volume's sections to those of the slices: voting blurs, and loses the longest waves."""

from __future__ import annotations

import numpy as np
import scipy.fft

GAIN, LARGEST = 0.5, 1.4  # exponent of the gain, and its bound, of one pull
FADED = 0.25, 0.35  # cycles per voxel: the shortest waves are left alone, they become stripes


def autocovariance(image: np.ndarray, half: tuple[int, int], *, isotropic: bool) -> np.ndarray:
    """Tapered autocovariance of a picture for lags up to `half`, (2 a + 1, 2 b + 1); mirrored, turned if isotropic."""
    image = image - image.mean()
    rows, columns = image.shape
    size = (2 * rows, 2 * columns)
    power = scipy.fft.irfft2(np.abs(scipy.fft.rfft2(image, size)) ** 2, size)
    pairs = scipy.fft.irfft2(np.abs(scipy.fft.rfft2(np.ones_like(image), size)) ** 2, size)
    a, b = min(half[0], rows // 2), min(half[1], columns // 2)
    down, right = np.arange(-a, a + 1), np.arange(-b, b + 1)
    found = (power / np.maximum(pairs, 0.5))[np.ix_(down, right)]
    found = (found + found[::-1]) / 2
    found = (found + found[:, ::-1]) / 2
    if isotropic and a == b:
        found = (found + found.T) / 2
    return found * _taper(a, b)


def _taper(a: int, b: int) -> np.ndarray:
    down, right = np.arange(-a, a + 1)[:, None], np.arange(-b, b + 1)
    return 0.5 + 0.5 * np.cos(np.pi * np.minimum(1, np.hypot(down / (a + 1), right / (b + 1))))


def _wrapped(table: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Table of lags on a periodic grid."""
    a, b = table.shape[0] // 2, table.shape[1] // 2
    out = np.zeros(size)
    np.add.at(out, (np.arange(-a, a + 1)[:, None] % size[0], np.arange(-b, b + 1)[None] % size[1]), table)
    return out


class Spectra:
    """Spectra that the three families of sections of a periodic volume should have."""

    def __init__(self, images: list[list[np.ndarray]], shape: tuple[int, int, int], *, isotropic: bool) -> None:
        """`images`: one channel's features per normal z, y, x."""
        self._wanted: list[np.ndarray] = []
        self._windows: list[np.ndarray] = []
        for normal in range(3):
            rows, columns = (n for axis, n in enumerate(shape) if axis != normal)
            half = (max(rows // 2 - 1, 1), max(columns // 2 - 1, 1))
            tables = [autocovariance(image, half, isotropic=isotropic) for image in images[normal]]
            largest = max(tables, key=lambda table: table.size)
            mean = np.mean([table for table in tables if table.shape == largest.shape], axis=0)
            size = (rows, columns)
            self._wanted.append(np.maximum(scipy.fft.fft2(_wrapped(mean, size)).real, 0))
            self._windows.append(_wrapped(_taper(mean.shape[0] // 2, mean.shape[1] // 2), size))

    def pull(self, values: np.ndarray, gain: float = GAIN, largest: float = LARGEST, threads: int = 1) -> np.ndarray:
        """The field (Z, Y, X), float32, with every wave a little nearer to its share in the slices."""
        shape = values.shape
        mean = float(values.mean(dtype=np.float64))
        waves = scipy.fft.rfftn(values - np.float32(mean), workers=threads)
        power = waves.real**2 + waves.imag**2
        half = shape[2] // 2 + 1
        frequencies = [scipy.fft.fftfreq(n).astype(np.float32) for n in shape[:2]] + [
            scipy.fft.rfftfreq(shape[2]).astype(np.float32)
        ]
        gains = np.ones((), np.float32)
        for normal in range(3):
            n = shape[normal]
            if normal < 2:
                summed = power.sum(normal, dtype=np.float64)
                other = shape[1 - normal]
                whole = np.empty((other, shape[2]))
                whole[:, :half] = summed
                mirrored = (-np.arange(other)) % other
                whole[:, half:] = summed[mirrored][:, 1 : shape[2] - half + 1][:, ::-1]
            else:
                # Half of the columns are stored: the others count as their mirror images.
                twice = np.full(half, 2.0)
                twice[0] = 1
                if shape[2] % 2 == 0:
                    twice[-1] = 1
                summed = (power * twice.astype(np.float32)).sum(2, dtype=np.float64)
                mirrored = summed[np.ix_((-np.arange(shape[0])) % shape[0], (-np.arange(shape[1])) % shape[1])]
                whole = (summed + mirrored) / 2
            spectrum = whole / n**2 / (values.size // n)
            table = scipy.fft.ifft2(spectrum).real * self._windows[normal]
            spectrum = np.maximum(scipy.fft.fft2(table).real, 0)
            small = 1e-3 * self._wanted[normal].mean() + 1e-12
            ratio = ((self._wanted[normal] + small) / (spectrum + small)) ** (gain / 2)
            ratio = np.clip(ratio, 1 / largest, largest).astype(np.float32)
            gains = gains * np.expand_dims(ratio[:, :half] if normal < 2 else ratio, normal)
        squared = sum(
            (f**2).reshape([-1 if axis == own else 1 for own in range(3)]) for axis, f in enumerate(frequencies)
        )
        fade = np.clip((FADED[1] - np.sqrt(squared)) / (FADED[1] - FADED[0]), 0, 1)
        waves *= gains**fade
        return np.asarray(scipy.fft.irfftn(waves, shape, workers=threads) + np.float32(mean), np.float32)
