"""Evented state of one piece of work; no Qt, no napari."""

from .drafts import SliceDraft
from .jobs import Job, JobState
from .session import Session, ShownFace, Status
from .training import Training

__all__ = ['Job', 'JobState', 'Session', 'ShownFace', 'SliceDraft', 'Status', 'Training']
