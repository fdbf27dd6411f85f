"""The only place that touches napari: layers, workers, comparison, preferences, contributions."""
