"""Two-point probability, lineal path, chords, and the lengths read off them."""

from __future__ import annotations

from ..quantity import CurveAxes, Quantity

QUANTITIES = (
    Quantity(
        key='s2_error',
        title='S₂, distance from the real mean',
        meaning='Mean difference between the two-point probabilities in units of φ (1 − φ), beside the same number for '
        'each real block against the others: the noise floor that even real material cannot beat.',
        place=20,
        short='S₂ error',
        curve='s2_radial',
        is_error=True,
        function='results.s2_error.s2_distance',
    ),
    Quantity(
        key='correlation_length',
        title='Correlation length',
        meaning='Distance at which knowing the phase at a point tells little of it at another (1/e): a typical feature '
        'size.',
        unit='L',
        variants='axes',
        place=90,
        short='Corr. length',
        curve='autocovariance',
        function='statistics.correlation.crossing',
    ),
    Quantity(
        key='chord_length',
        title='Mean chord length',
        place=None,
        meaning='Mean length of straight lines within the phase, a measure of pore or grain size.',
        unit='L',
        variants='axes',
        curve='chord_distribution',
        function='statistics.chords.mean_chord',
    ),
    Quantity(
        key='s2',
        title='Two-point probability S₂',
        place=None,
        meaning='The chance that two points a lag apart both lie in the phase: φ at lag zero, φ² where they know '
        'nothing of each other.',
        high=1.0,
        variants='axes',
        axes=CurveAxes(),
        function='statistics.correlation.count_lags',
    ),
    Quantity(
        key='autocovariance',
        title='Normalised autocovariance',
        place=None,
        low=-1.0,
        high=1.0,
        variants='axes',
        axes=CurveAxes('lag', 'autocovariance'),
        function='statistics.correlation.autocovariance',
    ),
    Quantity(
        key='lineal_path',
        title='Lineal path',
        place=None,
        meaning='The chance that a straight segment lies in the phase from end to end; connectivity that S₂ cannot '
        'see.',
        high=1.0,
        variants='axes',
        axes=CurveAxes('length', 'probability', logarithmic=True),
        function='statistics.chords.lineal_path',
    ),
    Quantity(
        key='chord_distribution',
        title='Chords at least this long',
        place=None,
        high=1.0,
        variants='axes',
        axes=CurveAxes('length', 'share of the chords'),
        function='statistics.chords.run_lengths',
    ),
)
