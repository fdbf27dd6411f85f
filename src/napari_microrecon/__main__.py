"""`python -m napari_microrecon` is the command `napari-microrecon`."""

from __future__ import annotations

import sys

from .cli import main

sys.exit(main())
