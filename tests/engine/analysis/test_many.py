"""Several volumes and blocks of one: in turn, on threads, on a cluster; ensembles of their reports."""

from __future__ import annotations

import json
import threading
import time
import warnings
from collections.abc import Iterator

import numpy as np
import pytest

from napari_microrecon.engine.analysis import compare, measure, measure_blocks, measure_many
from napari_microrecon.engine.errors import InputError
from napari_microrecon.engine.phases import Phases
from napari_microrecon.engine.progress import drain
from napari_microrecon.engine.results import Ensemble, Report
from napari_microrecon.engine.volume import Volume

PHASES = Phases.named('grain', 'pore', pore=1)


def sponge(n: int = 24, seed: int = 0, **options) -> Volume:
    from scipy.ndimage import gaussian_filter

    field = gaussian_filter(np.random.default_rng(seed).standard_normal((n, n, n)), 1.5)
    return Volume((field < np.quantile(field, 0.4)).astype(np.uint8), PHASES, **options)


def values(report: Report) -> dict[str, float | None]:
    return {key: statistic.value for key, statistic in report.statistics.items()}


@pytest.fixture(scope='module')
def volumes() -> list[Volume]:
    return [sponge(seed=seed, name=f'seed {seed}') for seed in range(4)]


@pytest.fixture(scope='module')
def in_turn(volumes) -> list[Report]:
    return drain(measure_many(volumes, workers=1))


def test_threads_find_the_same_as_one_after_the_other(volumes, in_turn):
    assert values(in_turn[2]) == values(drain(measure(volumes[2])))
    previews: list[object] = []
    together = drain(measure_many(volumes, workers=2), lambda p: previews.append(p.preview))
    assert [values(r) for r in together] == [values(r) for r in in_turn]
    assert [r.volume.name for r in together] == [v.name for v in volumes]
    ensembles = [p for p in previews if isinstance(p, Ensemble)]
    assert {e.count for e in ensembles} == {1, 2, 3, 4}
    assert [e.complete for e in ensembles][-1]


def test_ensemble_is_mean_and_spread(in_turn):
    found = Ensemble.of(in_turn)
    surfaces = [r.value('specific_surface') for r in in_turn]
    band = found.statistics['specific_surface']
    assert (band.mean, band.sd) == (pytest.approx(np.mean(surfaces)), pytest.approx(np.std(surfaces, ddof=1)))
    assert found.units['specific_surface'] == '1/voxel'
    assert found.curves['s2_radial'].count == 4
    assert found.names == ('seed 0', 'seed 1', 'seed 2', 'seed 3')
    data = json.loads(found.to_json(), parse_constant=lambda name: pytest.fail(f'{name} in JSON'))
    assert data['count'] == 4
    one = Ensemble.of(in_turn[:1])
    assert one.statistics['phase_fraction'].sd is None
    assert not one.curves
    with pytest.raises(ValueError, match='needs a report'):
        Ensemble.of([])


def test_blocks_of_one_volume():
    volume = sponge(48)
    found = drain(measure_blocks(volume, (24, 24, 24), tortuosity=False, most=8, workers=2))
    assert len(found) == 8
    assert np.mean([r.value('phase_fraction') for r in found]) == pytest.approx(volume.fractions[1])
    assert len({r.volume.name for r in found}) == 8
    with pytest.raises(InputError, match='smaller block'):
        drain(measure_blocks(volume, (24, 24, 80)))


def test_closing_stops_the_threads(volumes):
    big = [sponge(80, seed, name=str(seed)) for seed in range(2)]
    job = measure_many(big, workers=2)
    for progress in job:
        if 'tortuosity' in progress.stage:
            break
    began = time.monotonic()
    job.close()
    assert time.monotonic() - began < 3
    assert not [t for t in threading.enumerate() if t.name == 'microrecon-analysis']


def test_an_error_in_one_reaches_the_caller(volumes, monkeypatch):
    def broken(*_: object) -> None:
        raise ZeroDivisionError('in a thread')

    monkeypatch.setattr('napari_microrecon.engine.analysis.stages.shape.fraction', broken)
    with pytest.raises(ZeroDivisionError, match='in a thread'):
        drain(measure_many(volumes, workers=2))


def test_what_cannot_be_measured_together_is_refused(volumes):
    with pytest.raises(InputError, match='there are none'):
        drain(measure_many([]))
    three = Volume(np.zeros((8, 8, 8), dtype=np.uint8), Phases.default(3), name='three')
    with pytest.raises(InputError, match='three: has 3 phases'):
        drain(measure_many([volumes[0], three]))


def test_realisations_stand_beside_the_real_band(volumes):
    real = sponge(48, 9, name='real')
    found = drain(compare(volumes[0], real, tortuosity=False, realisations=volumes[1:], max_blocks=4, workers=2))
    assert found.ensemble is not None
    assert found.ensemble.count == 4
    assert found.ensemble.complete
    assert found.band['phase_fraction'].n == 4
    assert json.loads(found.to_json())['ensemble']['count'] == 4
    alone = drain(compare(volumes[0], real, tortuosity=False, max_blocks=4))
    assert alone.ensemble is None
    assert {k: v.sentence for k, v in alone.verdicts.items()} == {k: v.sentence for k, v in found.verdicts.items()}


@pytest.fixture
def cluster() -> Iterator[str]:
    distributed = pytest.importorskip('distributed', reason='the extra "cluster" is not installed')
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        scheduler = distributed.LocalCluster(
            n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None, protocol='tcp'
        )
        yield scheduler.scheduler_address
        scheduler.close()


@pytest.mark.filterwarnings('ignore')
def test_a_cluster_finds_the_same(volumes, in_turn, cluster):
    found = drain(measure_many(volumes, cluster=cluster))
    assert [values(r) for r in found] == [values(r) for r in in_turn]
    job = measure_many([sponge(64, 1)], cluster=cluster)
    next(job)
    job.close()  # cancels what runs there; the cluster serves on
    assert len(drain(measure_many(volumes[:1], tortuosity=False, cluster=cluster))) == 1


@pytest.mark.filterwarnings('ignore')
def test_a_cluster_that_does_not_answer_is_named(volumes, monkeypatch):
    pytest.importorskip('distributed')
    monkeypatch.setattr('napari_microrecon.engine.analysis.cluster._CONNECT', 0.5)
    with pytest.raises(InputError, match='no dask scheduler answers at tcp://127.0.0.1:9'):
        drain(measure_many(volumes, cluster='tcp://127.0.0.1:9'))
