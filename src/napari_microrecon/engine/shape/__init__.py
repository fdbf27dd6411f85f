"""Whether the sections of a volume have the shapes of the slices: measured, told in words, shown as pictures."""

from .pictures import shape_pictures
from .reference import ShapeReference
from .verdict import LEVELS, Level, ShapeVerdict

__all__ = ['LEVELS', 'Level', 'ShapeReference', 'ShapeVerdict', 'shape_pictures']
