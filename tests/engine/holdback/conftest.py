"""What these tests share: priors that are fitted in a moment."""

from __future__ import annotations

import pytest


@pytest.fixture(scope='module', autouse=True)
def _quick_priors(quick_priors: None) -> None:
    """Nothing here is about the choice of a prior."""
