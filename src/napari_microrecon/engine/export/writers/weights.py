"""The weights that made a volume."""

from __future__ import annotations

from ...errors import InputError
from ...progress import Job
from ..formats import Exported, Format, Order


class _Weights(Format):
    key = 'weights'
    title = 'Weights'
    endings = ('.safetensors',)
    opens = 'this program, on another machine'
    place = 80

    def write(self, order: Order) -> Job[Exported]:
        yield from ()
        if order.weights is None:
            raise InputError(
                self.title.lower(), f'those of {order.volume.name} are not at hand', 'export from the Run that made it'
            )
        order.path.parent.mkdir(parents=True, exist_ok=True)
        order.weights.save(order.path)
        return Exported(order.path, 'weights of the generator')


FORMATS = (_Weights(),)
