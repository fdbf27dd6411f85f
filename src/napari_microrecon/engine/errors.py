"""Errors that a user can act on: what is wrong, where, and the way out."""

from __future__ import annotations


class EngineError(Exception):
    """A long job failed for a reason outside the input (memory, disk, device).

    It is deliberately no ``RuntimeError``: napari's generator workers swallow those.
    """


class InputError(EngineError, ValueError):
    """Bad input, told in one line that names the file or field and the way out.

    Parameters
    ----------
    subject : str
        File name or field that is wrong.
    problem : str
        What is wrong with it.
    remedy : str
        What the user can do about it.
    """

    def __init__(self, subject: str, problem: str, remedy: str) -> None:
        self.subject = subject
        self.problem = problem
        self.remedy = remedy
        super().__init__(f'{subject}: {problem}; {remedy}')


class NoSpaceError(InputError):
    """A disk is full: the input was good, and the work can be repeated once there is space."""
