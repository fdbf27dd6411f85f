"""Exemplar synthesis: volumes grown from the patches of the slices themselves, for materials of any shape."""

from .exemplar_field import ExemplarField

__all__ = ['ExemplarField']
