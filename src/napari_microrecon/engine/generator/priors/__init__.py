"""Structural priors: random fields that volumes inherit their three-dimensional connectivity from."""

from .fitting import choose_prior, fitting_prior
from .model import PriorModel, noise_prior

__all__ = ['PriorModel', 'choose_prior', 'fitting_prior', 'noise_prior']
