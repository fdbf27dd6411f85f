"""NumPy's .npy, checked before anything is allocated; never unpickled."""

from __future__ import annotations

from math import prod
from pathlib import Path

import numpy as np

from ..errors import InputError
from .contents import check_size

_REMEDY = 'save it with numpy.save, one array without objects'


def read_npy(path: Path) -> np.ndarray:
    """The array in the file.

    Raises
    ------
    InputError
        If it is no such file, ends early, holds objects, or does not fit into memory.
    """
    # Not numpy.load, which would open zip archives and, where allowed, unpickle. Mapped, a file shows its type and
    # shape before anything is read, and one that ends early shows that too.
    try:
        mapped = np.lib.format.open_memmap(path, mode='r')
    # The header is an expression in Python: what a damaged one raises, no list says.
    except Exception as error:
        raise InputError(str(path), f'is not a NumPy array that can be read ({_reason(error)})', _REMEDY) from error
    if any(n < 0 for n in mapped.shape) or prod(mapped.shape) != mapped.size:
        raise InputError(str(path), 'is not a NumPy array that can be read (its shape is negative)', _REMEDY)
    check_size(path, mapped.nbytes)
    return np.array(mapped)


def _reason(error: Exception) -> str:
    text = ' '.join(str(error).split())
    if 'mmap length' in text or 'greater than file size' in text or 'EOF' in text:
        return 'it ends early'
    if 'objects' in text:
        return 'it holds Python objects'
    return 'its header is damaged'
