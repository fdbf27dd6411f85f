"""One viewer's session with what runs and shows it; panels call its methods when the user wishes something."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject

from ..engine.errors import InputError
from ..engine.phases import Phases
from ..engine.run.reference import Origin
from ..engine.slices import SliceSet
from ..engine.volume import Volume
from ..engine.voxels import Axis, VoxelSize
from ..session import Session, analysing, experimenting, holding_back, inputs, references, shelf, tasks, tuning
from . import notices
from .asking import Asking
from .closing import Closing
from .foreign_size import give_size, resize
from .layers import raw_image_of, role_of
from .likelihood_maps import LikelihoodMaps
from .measuring import Measuring
from .reported import reported
from .settings import Preferences, preferences
from .stage import Stage
from .workers import Aside, Runner

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from ..engine.generator import FinetuneParams, ReconstructParams
    from ..engine.preparation import Preparation
    from ..engine.samples import Sample
    from ..session.task import Task

_workbenches: weakref.WeakKeyDictionary[Any, Workbench] = weakref.WeakKeyDictionary()


class Workbench(QObject):
    """Session, runner and stage of one viewer.

    Use `Workbench.of`: there is one workbench per viewer, and it ends with the viewer.
    """

    def __init__(self, viewer: ViewerModel, chosen: Preferences | None = None) -> None:
        super().__init__()
        self.preferences = chosen or preferences()
        self.session = Session()
        self.runner = Runner(self.session, self)
        self.stage = Stage(viewer, self.session)
        self.remarks = notices.Remarks(self.session)
        self.likelihood_maps = LikelihoodMaps(viewer, self.session)
        self.stage.show_previews = self.preferences.previews
        self.stage.side_by_side = self.preferences.side_by_side
        self.stage.start_in_3d = self.preferences.start_in_3d
        self.measuring = Measuring(viewer, self.session, self.runner, self.stage, self)
        self.aside = Aside(self)
        self.asking = Asking(viewer, self.session, self)
        self._taken: weakref.WeakSet[Any] = weakref.WeakSet()  # layers that slices were taken from
        self.session.events.slices.connect(self._judge_slices)
        self.closing = Closing(viewer, self.session, self.shut_down, self)
        self.closing.window_gone.connect(self.shut_down)

    @classmethod
    def of(cls, viewer: ViewerModel) -> Workbench:
        """Return the viewer's workbench; it is made on the first call."""
        viewer = getattr(viewer, '__wrapped__', viewer)  # plugins get a proxy, which is no stable key
        if viewer not in _workbenches:
            _workbenches[viewer] = cls(viewer)
        return _workbenches[viewer]

    def shut_down(self) -> None:
        """Stop what runs; for the end of the viewer."""
        self.runner.shut_down()
        self.aside.drop()
        self.asking.drop()

    # -- slices and reference -------------------------------------------------------------------

    @reported
    def open_files(self, paths: Sequence[Path]) -> None:
        """Read files as slices, or as the reference where they are volumes."""
        if paths:
            self._beside_no_sample(lambda: inputs.open_files(self.session, paths))

    def _beside_no_sample(self, make: Callable[[], Task]) -> None:
        """Start what brings own data; a sample gives way to them, own data do not."""
        if self.session.material.sample is None:
            self.runner.start(self._resizing(make()))
        else:
            self.asking.before(lambda: self.runner.start(make()))

    def _resizing(self, task: Task) -> Task:
        """Let the layers that slices were taken from follow a pixel size that comes with another picture."""

        def accept(value: Any) -> Task | None:
            with self._layers_following():
                return task.accept(value)

        return replace(task, accept=accept)

    @contextmanager
    def _layers_following(self) -> Iterator[None]:
        """Scale the layers that slices were taken from at once with the slices: napari warns of different units."""
        held = [self.session.material.slices]

        def follow(now: SliceSet | None) -> None:
            former, held[0] = held[0], now
            if former is not None and now is not None and former.voxel_size != now.voxel_size:
                for layer in self._taken:
                    resize(layer, former.voxel_size, now.voxel_size)

        self.session.events.slices.connect(follow)
        try:
            yield
        finally:
            self.session.events.slices.disconnect(follow)

    @reported
    def use_layers(self) -> None:
        """Take the selected layers: 2D ones as slices, 3D ones as the reference."""
        viewer = self.stage.viewer
        chosen = [] if viewer is None else [one for one in viewer.layers if one in viewer.layers.selection]
        if not chosen:
            raise InputError('layers', 'none is selected', 'select an image or labels layer in the layer list')
        own = [one for one in chosen if role_of(one) is not None]
        if own:
            raise InputError(own[0].name, 'is in use already', 'select a layer that was not made by Microrecon')
        images = [raw_image_of(one) for one in chosen]
        for layer, image in zip(chosen, images, strict=True):
            give_size(layer, image)
            self._taken.add(layer)
        self._beside_no_sample(lambda: inputs.take_images(self.session, images))

    @reported
    def load_sample(self, name: str) -> None:
        """Open a sample without doing anything with it."""
        if self.session.material.is_own:
            self.stage.drop_placeholders()  # the question stands for them
        self.asking.before(lambda: self.runner.start(inputs.load_sample(self.session, name)))

    @reported
    def bring_back(self) -> None:
        """Return to the work that was put away."""
        shelf.bring_back(self.session)
        viewer, back = self.stage.viewer, self.stage.layers_of('volume') or self.stage.layers_of('reference', 'slice')
        if viewer is not None and back:  # else a layer that napari happens to have left selected, such as a hidden one
            viewer.layers.selection.active = back[0]

    def adopt_sample(self, sample: Sample, volume: Volume, slices: SliceSet) -> None:
        """Take over a sample whose layers napari has just added."""
        with self.stage.left_alone():
            inputs.adopt_sample(self.session, sample, volume, slices)

    @reported
    def place_slice(self, index: int, normal: Axis, position: int | None) -> None:
        """Say which plane a slice shows and where it lies."""
        self.session.edit_draft(index, self.session.material.drafts[index].placed(normal, position))

    @reported
    def remove_slice(self, index: int) -> None:
        """Drop a slice."""
        self.session.remove_draft(index)

    @reported
    def resegment(self, count: int) -> None:
        """Segment the slices anew into so many phases."""
        self.runner.start(inputs.resegment(self.session, count))

    @reported
    def prepare_slices(self, wishes: Mapping[int, Preparation], count: int) -> None:
        """Make slices anew from their pictures, as the user has adjusted it."""
        slices = self.session.need_slices()
        phases = slices.phases if slices.phases.count == count else count
        self.runner.start(inputs.prepare_slices(self.session, wishes, phases))

    @reported
    def describe_phases(self, phases: Phases) -> None:
        """Give the phases names, colours and the pore."""
        inputs.describe_phases(self.session, phases)

    @reported
    def set_voxel_size(self, size: VoxelSize) -> None:
        """Set the voxel size of all slices, their pictures, and of volumes that have none of their own."""
        with self._layers_following():
            references.resize(self.session, size)

    @reported
    def swap_phases(self) -> None:
        """Bring the reference's phases into the order of the slices'."""
        self.runner.start(references.swap_phases(self.session))

    @reported
    def take_section(self, normal: Axis, position: int) -> None:
        """Take a slice out of the reference volume."""
        reference = self.session.material.reference
        if reference is None:
            raise InputError('reference', 'there is none', 'open a volume first')
        followed = inputs.join(self.session, [inputs.slice_of(reference, normal, position)])
        if followed:
            self.session.say(f'Slice taken; {followed}', 'success')

    @reported
    def clear_reference(self) -> None:
        """Forget the reference volume."""
        self.session.material = self.session.material.without_reference()

    @reported
    def keep_volume(self) -> None:
        """Make the reconstruction at hand the reference of the next ones."""
        session = self.session
        volume = session.need_volume()
        session.set_reference(
            volume, Origin('run', str(session.material.run.folder)) if session.material.run is not None else None
        )
        session.say(f'{volume.name} is kept: the next volume stands beside it and is compared with it', 'success')

    def compare_with(self, volume: Volume) -> None:
        """Take another one of the volumes at hand as the reference."""
        self.session.set_reference(volume)

    def _judge_slices(self) -> None:
        """Find out beside the job what the slices tell of the phase fractions."""
        session, drafts = self.session, self.session.material.drafts
        if not drafts:
            self.aside.drop()
            return

        def accept(found: Any) -> None:
            session.find(representativity=found)

        self.aside.start(lambda: analysing.judge_slices(drafts), accept)

    # -- the verbs ------------------------------------------------------------------------------

    @reported
    def choose_weights(self, spec: str) -> None:
        """Choose the weights to start from."""
        self.session.choose_weights(spec)

    @reported
    def reconstruct(self, params: ReconstructParams) -> None:
        """Generate volumes; with a reference they are compared next."""
        session = self.session
        self.runner.start(
            tasks.reconstruct(session, params, lambda: tasks.analyse(session) if session.material.reference else None)
        )

    @reported
    def finetune(self, params: FinetuneParams) -> None:
        """Adapt the weights to the slices."""
        self.runner.start(tuning.finetune(self.session, params))

    @reported
    def try_slice_counts(self) -> None:
        """Find out what 3, 5, 7 slices of the reference would give."""
        self.runner.start(experimenting.try_slice_counts(self.session, self.preferences.device))

    @reported
    def hold_back(self, params: ReconstructParams, share: float, minutes: float) -> None:
        """Hold part of the slices back, reconstruct from the rest and compare; 0 minutes: without training."""
        from ..engine.generator.params import FinetuneParams

        training = FinetuneParams(minutes=minutes, seed=params.seed, device=params.device) if minutes > 0 else None
        self.runner.start(holding_back.hold_back(self.session, params, share, training))

    @reported
    def run_demo(self, name: str) -> None:
        """Open a sample, reconstruct it, compare it."""
        self.asking.before(lambda: self.runner.start(tasks.demo(self.session, name, self._demo_params)))

    def _demo_params(self, session: Session) -> ReconstructParams:
        from ..engine.generator import ReconstructParams

        edge, reference = self.preferences.edge, session.material.reference
        edges = (edge,) * 3 if reference is None else tuple(min(edge, n) for n in reference.shape)
        given = {'shape': edges, 'device': self.preferences.device, 'fractions': 'volume'}
        return ReconstructParams.model_validate(given)  # the rest are the model's defaults

    def cancel(self) -> None:
        """Stop the current job."""
        self.runner.cancel()
