"""The public interface in Python: what `import napari_microrecon as mr` gives, with input in any form that is clear.

Functions block and return their result; `steps` has each of them as a job that yields `Progress`.
"""

from __future__ import annotations

from . import steps

__all__ = ['steps']
