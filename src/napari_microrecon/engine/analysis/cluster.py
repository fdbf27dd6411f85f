"""Orders done by the workers of a dask cluster."""

from __future__ import annotations

import time
import uuid
from collections.abc import Generator, Sequence

from ..diffusion.solver_process import Solver
from ..errors import EngineError, InputError
from ..progress import Progress
from ..results.report import Report
from ..volume import Volume
from .measuring import Part
from .orders import Event, Order, Solvers, steps

_POLL = 0.05  # seconds between two looks at what the cluster has done
_ASK = 1.0  # seconds between two questions of a worker whether it should stop
_CONNECT = 10.0  # seconds for the scheduler to answer


def run_on_cluster(
    orders: Sequence[Order], solver: Solver, in_process: bool | None, address: str
) -> Generator[Event, None, None]:
    """Send the orders to the scheduler at `address` and tell of the reports as they come; closing stops the workers.

    Raises
    ------
    InputError
        If the package is missing or no scheduler answers.
    """
    try:
        from distributed import Client
        from distributed import Event as Flag
    except ImportError as error:
        raise InputError(
            'cluster', 'the package distributed is missing', "pip install 'napari-microrecon[cluster]'"
        ) from error
    try:
        client = Client(address, timeout=_CONNECT, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        raise InputError(
            'cluster', f'no dask scheduler answers at {address}', "start one with 'dask scheduler', or leave it out"
        ) from error
    name = f'microrecon-stop-{uuid.uuid4().hex}'
    try:
        flag = Flag(name, client=client)
        futures = {}
        try:
            for index, order in enumerate(orders):
                data = client.scatter(order.volume, hash=False)
                future = client.submit(
                    _remote, data, order.phase, order.tortuosity, order.part, solver, in_process, name,
                    pure=False, retries=1,
                )  # fmt: skip
                futures[future] = index
            while futures:
                done = [future for future in futures if future.done()]
                for future in done:
                    yield Event(futures.pop(future), report=future.result())
                if not done:
                    time.sleep(_POLL)
                    first = min(futures.values())
                    yield Event(first, Progress(f'{len(futures)} left on the cluster'))
        finally:
            if futures:
                flag.set()
                client.cancel(list(futures))
    finally:
        client.close()


def _remote(
    volume: Volume, phase: int, tortuosity: bool, part: Part, solver: Solver, in_process: bool | None, stop: str
) -> Report:
    """Do one order on a worker of a cluster."""
    from distributed import Event as Flag

    flag, asked = Flag(stop), time.monotonic()
    solvers = Solvers(solver)
    report: Report | None = None
    work = steps(0, Order(volume, phase, tortuosity, volume.name, part), solvers, in_process)
    try:
        for event in work:
            report = event.report
            if time.monotonic() - asked > _ASK:
                asked = time.monotonic()
                if flag.is_set():
                    raise EngineError('analysis: stopped')
    finally:
        work.close()
        solvers.close()
    assert report is not None
    return report
