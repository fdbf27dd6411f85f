"""Structural priors: random fields that volumes inherit their three-dimensional connectivity from."""

from .model import PriorModel, choose_prior, noise_prior

__all__ = ['PriorModel', 'choose_prior', 'noise_prior']
