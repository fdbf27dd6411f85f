"""Parameters of the network, of a reconstruction and of a training; each is form, record and input at once."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from ..errors import InputError

Mode = Literal['unconditional', 'conditioned', 'most-likely']
Recipe = Literal['sections', 'paper']
Weight = Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)]  # of a loss
SMALLEST_EDGE = 16
Model = TypeVar('Model', bound=BaseModel)


class _Parameters(BaseModel):
    model_config = ConfigDict(frozen=True, extra='forbid')


def validated(model: type[Model], **values: Any) -> Model:
    """Build parameters of what a user has given.

    Raises
    ------
    InputError
        Names the field that is wrong.
    """
    try:
        return model(**values)
    except ValidationError as error:
        first = error.errors()[0]
        field = str(first['loc'][0]) if first['loc'] else 'parameters'
        problem = first['msg'].removeprefix('Value error, ')
        given = '' if isinstance(first['input'], (dict, BaseModel)) else f'{first["input"]!r} is refused: '
        problem = f'{given}{problem[0].lower()}{problem[1:]}'
        raise InputError(field, problem, 'see the documentation for what it takes') from error


class Architecture(_Parameters):
    """Shape of the generator; every module of the paper is a switch."""

    phase_count: int = Field(default=2, ge=2, le=8, description='Number of phases K')
    field_count: int = Field(default=1, ge=1, le=8, description='Fields of the structural prior')
    channels: int = Field(default=16, ge=4, le=128, description='Channels of the finest level')
    levels: int = Field(default=3, ge=2, le=5, description='Resolutions of the U-Net')
    attention: Literal['none', 'channel', 'spatial', 'cbam'] = Field(default='cbam', description='Block attention')
    scale_aggregation: bool = Field(default=True, description='Multi-scale channel aggregation (MSCA)')
    slice_encoder: bool = Field(
        default=True, description='Multi-scale hierarchical feature aggregation of slices (MHFA)'
    )

    @property
    def is_plain(self) -> bool:
        """Whether the network is a U-Net without any module of the paper."""
        return self.attention == 'none' and not self.scale_aggregation and not self.slice_encoder


class ReconstructParams(_Parameters):
    """What to reconstruct."""

    shape: tuple[int, int, int] = Field(default=(128, 128, 128), description='Size of the volume in voxels: z, y, x')
    mode: Mode = Field(
        default='unconditional',
        description='unconditional: the material, not the place; conditioned: holds the given slices exactly; '
        'most-likely: the smooth best guess between them',
    )
    realisations: int = Field(default=1, ge=1, le=1000, description='Number of volumes, each with its own seed')
    seed: int = Field(default=0, ge=0, lt=2**31, description='Same seed, slices, weights and device: same volume')
    tile: int | None = Field(
        default=None, ge=16, le=2048, description='Edge of the tiles in voxels; changes memory, not one voxel'
    )
    periodic: bool = Field(default=False, description='Opposite faces fit together')
    fractions: Literal['ensemble', 'volume'] = Field(
        default='volume',  # a single volume is what most people make: it has the porosity that they measured
        description='volume: every volume has the phase fractions of the slices; ensemble: volumes scatter like pieces '
        'of the material and have them on average',
    )
    target_fractions: dict[int, float] = Field(
        default_factory=dict,
        description='Volume fraction by phase label that every volume meets; the others keep their proportion',
    )
    device: str = Field(default='auto', description='auto, cpu, cuda or mps')

    @field_validator('shape')
    @classmethod
    def _big_enough(cls, shape: tuple[int, int, int]) -> tuple[int, int, int]:
        if min(shape) < SMALLEST_EDGE:
            raise ValueError(f'{shape} has an edge below {SMALLEST_EDGE} voxels; use {SMALLEST_EDGE} or more')
        return shape

    @field_validator('target_fractions')
    @classmethod
    def _possible(cls, targets: dict[int, float]) -> dict[int, float]:
        if any(not 0 < fraction < 1 for fraction in targets.values()) or sum(targets.values()) > 1:
            raise ValueError('fractions must lie between 0 and 1 and sum to at most 1')
        return targets


class LossWeights(_Parameters):
    """Weight of every term of the generator's loss."""

    patches: Weight = Field(default=1.0, description='Sliced Wasserstein distance of patches: texture at every scale')
    s2: Weight = Field(default=0.3, description='Two-point probability in the planes: arrangement beyond a patch')
    surface: Weight = Field(default=2.0, description='Phase changes along each axis: roughness')
    connectivity: Weight = Field(default=0.05, description="Keeps the throats of the prior's pore skeleton open")
    indecision: Weight = Field(default=0.1, description='Phases that are neither one nor the other: blur')
    critic: Weight = Field(
        default=0.0, description='Wasserstein critic of sections; 0 leaves it out: it was not found to help'
    )
    penalty: Weight = Field(default=10.0, description='Gradient penalty of the critic')


# What the recipe 'paper' sets where nothing else is asked for; the defaults of the fields are the recipe 'sections'.
# WGAN-GP from the first step and an image regularisation loss, as arXiv 2402.15815 names them; the paper publishes
# neither weights nor the form of the regularisation. Ours is the simplest of those tried: the total
# variation of the sections (`surface`) is that of the slices, and so are the phase fractions (`calibration.balance`).
# Its weight makes 10 % of surface too much weigh as much as half a unit of the critic's score.
_PAPER: dict[str, Any] = {'critic_start': 0.0, 'critic_steps': 3}
_PAPER_LOSS = {'patches': 0.0, 's2': 0.0, 'surface': 50.0, 'connectivity': 0.0, 'indecision': 0.0, 'critic': 1.0}


class FinetuneParams(_Parameters):
    """How to train on the user's own slices.

    `recipe` chooses what the generator is trained by; whatever else is given, single loss weights included, rules.
    What a record of an earlier version does not say of it is 'sections', which is what that version did.
    """

    recipe: Recipe = Field(
        default='sections',
        description='sections: statistics of sections against the slices. paper: critics that learn to tell sections '
        'from slices (WGAN-GP) and an image regularisation, after arXiv 2402.15815',
    )
    minutes: float | None = Field(default=3.0, gt=0, le=10000, description='Wall-clock budget in minutes')
    steps: int | None = Field(default=None, ge=1, le=10**9, description='Number of steps instead of a time budget')
    seed: int = Field(default=0, ge=0, lt=2**31, description='Seed of the training')
    device: str = Field(default='auto', description='auto, cpu, cuda or mps')
    precision: Literal['auto', 'float32', 'bfloat16'] = Field(
        default='auto', description='auto: bfloat16 where it is native'
    )
    threads: int | None = Field(default=None, ge=1, le=1024, description='CPU threads; None: the setting of torch')
    learning_rate: float = Field(default=2e-3, gt=0, le=10, description='Peak learning rate of the generator (Adam)')
    critic_learning_rate: float = Field(default=1e-3, gt=0, le=10, description='Learning rate of the critics (Adam)')
    critic_start: float = Field(
        default=0.3, ge=0, le=1, description='Share of the training after which the critics join'
    )
    memory: int = Field(
        default=8, ge=0, le=1000, description='Earlier training volumes that the patch distribution counts in'
    )
    critic_steps: int = Field(default=1, ge=1, le=10, description='Critic steps per generator step')
    sections: int = Field(default=8, ge=2, le=1000, description='Sections per plane that the critics see in a step')
    box: int | None = Field(
        default=None, ge=32, le=256, description='Edge of the training volumes; None: from the features'
    )
    evaluations: int = Field(
        default=8, ge=1, le=10_000, description='Times that calibrated volumes are measured and the best kept'
    )
    stop_early: bool = Field(
        default=True, description='Finish early once volumes are as near to the slices as these determine the material'
    )
    loss: LossWeights = Field(default_factory=LossWeights, description='Weights of the loss terms')

    plan: tuple[tuple[int, int], ...] = Field(
        default=(), description='Schedule of an earlier training on the clock (step, planned steps), to repeat it'
    )

    @model_validator(mode='before')
    @classmethod
    def _by_the_recipe(cls, data: Any) -> Any:
        """Fill what is not given from the recipe; a record gives everything and stays as it is."""
        if not isinstance(data, dict) or data.get('recipe') != 'paper':
            return data
        loss = data.get('loss', {})
        if isinstance(loss, LossWeights):
            loss = loss.model_dump(exclude_unset=True)
        return {**_PAPER, **data, 'loss': {**_PAPER_LOSS, **loss} if isinstance(loss, dict) else loss}

    @model_validator(mode='after')
    def _one_budget(self) -> Self:
        if self.minutes is None and self.steps is None:
            raise ValueError('give minutes or steps')
        return self

    def start_of(self, spec: str) -> str:
        """Weights to start from where `spec` is asked for: the paper's recipe trains from the slices alone."""
        return 'scratch' if self.recipe == 'paper' and spec == 'auto' else spec

    def architecture_of(self, start: Architecture) -> Architecture:
        """Network to train where one of this shape is at hand: the paper's has all of its modules."""
        modules = {'attention': 'cbam', 'scale_aggregation': True, 'slice_encoder': True}
        return start.model_copy(update=modules) if self.recipe == 'paper' else start
