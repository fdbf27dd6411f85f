"""Turn 2D slices of a material into trustworthy 3D microstructures, in napari."""

__version__ = '0.1.0'
