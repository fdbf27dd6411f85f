"""Volumes between placed slices: exact where data are given, calibrated where they are not.

`planes` holds the slices in their places, `interpolation` the classical answers, `sections`, `network`, `training` and
`prediction` the network that learns from the slices how their material goes on, `calibration` makes its probabilities
agree with what the slices show, `realisations` draws volumes from them. `filling` is the whole job.
"""
