"""Declarations of the statistics and curves: each module lists its own in `QUANTITIES`; a new one is a new file."""
