"""Export formats: each module lists its own in `FORMATS`; a new format is a new file."""
