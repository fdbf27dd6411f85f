"""Evented state of one piece of work; no Qt, no napari."""

from .drafts import SliceDraft
from .findings import Findings, ShownFace
from .jobs import Job, JobState
from .material import Material
from .session import Session, Status
from .training import Training

__all__ = ['Findings', 'Job', 'JobState', 'Material', 'Session', 'ShownFace', 'SliceDraft', 'Status', 'Training']
