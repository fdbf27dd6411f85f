"""Recipes of the synthetic samples: geometry and random numbers only, no measured data."""
