"""PoreSpy is imported late and leaves the process as it was."""

from __future__ import annotations

import subprocess
import sys
import textwrap


def run(script: str) -> str:
    done = subprocess.run(
        [sys.executable, '-W', 'error::RuntimeWarning', '-c', textwrap.dedent(script)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def test_side_effects_are_undone_and_bars_are_silent():
    out = run("""
        import logging
        import numpy as np
        before = np.geterr(), list(logging.getLogger().handlers), logging.getLogger().level
        from napari_microrecon.engine.diffusion._porespy import quiet_porespy
        with quiet_porespy() as porespy:
            image = np.ones((12, 12, 12), bool)
            image[5] = False
            porespy.filters.local_thickness(image, sizes=5)
            assert porespy.settings.tqdm['disable']
        assert (np.geterr(), list(logging.getLogger().handlers), logging.getLogger().level) == before
        logging.basicConfig(format='ours: %(message)s')  # would do nothing if a handler had stayed
        logging.warning('hello')
    """)
    assert out.strip() == 'ours: hello'


def test_the_package_loads_nothing_heavy():
    run("""
        import sys
        import napari_microrecon.engine.analysis as analysis
        assert 'compare' in dir(analysis)
        heavy = {'porespy', 'torch', 'openpnm', 'pyamg', 'numba', 'skimage', 'matplotlib', 'scipy', 'napari', 'qtpy'}
        assert not heavy & set(sys.modules), heavy & set(sys.modules)
        from napari_microrecon.engine.analysis import compare, measure
        from napari_microrecon.engine.report_output import report_html
        from napari_microrecon.engine.statistics import anisotropy_of_slice
        heavy.discard('scipy')
        assert not heavy & set(sys.modules), heavy & set(sys.modules)
        assert callable(measure) and callable(compare)
    """)
