"""Free memory of the host, within the limits of its container."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

CGROUPS = Path('/sys/fs/cgroup')
OWN_CGROUP = Path('/proc/self/cgroup')
_UNLIMITED = 2**60  # cgroup v1 writes a number near 2^63 where there is no limit


def free_memory() -> float:
    """Bytes that this process may still take: of the machine, or of its container where that allows less.

    Every check of memory on the host asks here, so that none lets through what the container's limit would kill.
    """
    import psutil

    return max(0.0, min((float(psutil.virtual_memory().available), *_left_in_cgroups())))


def _left_in_cgroups() -> Iterator[float]:
    """Bytes left under each limit that holds for this process: of its own control group and of those around it."""
    for folder in _cgroups():
        # The first pair is version 2, the second version 1 of the kernel's control groups.
        for limit, used, cache in (
            ('memory.max', 'memory.current', 'inactive_file'),
            ('memory.limit_in_bytes', 'memory.usage_in_bytes', 'total_inactive_file'),
        ):
            try:
                most = float((folder / limit).read_text())
                if most < _UNLIMITED:
                    yield most - float((folder / used).read_text()) + _reclaimable(folder / 'memory.stat', cache)
            except (OSError, ValueError):  # no such group, or 'max'
                continue


def _reclaimable(stat: Path, name: str) -> float:
    """Bytes of cached files that the kernel counts as used, and gives back where they are needed."""
    try:
        counts = dict(line.split() for line in stat.read_text().splitlines())
        return float(counts.get(name, 0))
    except (OSError, ValueError):
        return 0.0


def _cgroups() -> Iterator[Path]:
    """Folders of the memory controller, from the mount down to the group of this process."""
    try:
        lines = OWN_CGROUP.read_text().splitlines()
    except OSError:  # not Linux
        return
    for line in lines:
        _, controllers, path = line.split(':', 2)
        if controllers and 'memory' not in controllers.split(','):
            continue
        # In a container the mount often is the group itself, and the path one of the host: the root is asked too.
        folder = CGROUPS / 'memory' if controllers else CGROUPS
        yield folder
        for part in PurePosixPath(path).parts[1:]:
            folder = folder / part
            yield folder
