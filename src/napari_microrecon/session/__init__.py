"""Evented state of one piece of work; no Qt, no napari."""
