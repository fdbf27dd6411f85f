"""The engine: numpy and torch in, dataclasses out; knows no Qt and no napari."""
