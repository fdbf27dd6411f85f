"""Evented state of one piece of work; no Qt, no napari."""

from .jobs import Job, JobState
from .session import Session, ShownFace, SliceDraft, Status
from .training import Training

__all__ = ['Job', 'JobState', 'Session', 'ShownFace', 'SliceDraft', 'Status', 'Training']
