"""The HTML report: self-contained, complete, and safe to open."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import numpy as np
import pytest

from napari_microrecon.engine.analysis import compare, measure
from napari_microrecon.engine.phases import Phases
from napari_microrecon.engine.progress import drain
from napari_microrecon.engine.provenance import Provenance
from napari_microrecon.engine.report_output import ShapeEvidence, report_html
from napari_microrecon.engine.report_output.html_figures import scale_bar, show_unit, slice_png
from napari_microrecon.engine.report_output.html_tables import number
from napari_microrecon.engine.shape import ShapeReference
from napari_microrecon.engine.slices import Slice, SliceSet
from napari_microrecon.engine.volume import Volume
from napari_microrecon.engine.voxels import VoxelSize

PHASES = Phases.named('grain', 'pore', pore=1)


def sponge(shape: tuple[int, int, int], seed: int = 0, name: str = 'made') -> Volume:
    from scipy.ndimage import gaussian_filter

    field = gaussian_filter(np.random.default_rng(seed).standard_normal(shape), 1.5)
    labels = (field < np.quantile(field, 0.4)).astype(np.uint8)
    provenance = Provenance(kind='reconstruction', description='a <b>bold</b> claim', seed=11)
    return Volume(labels, PHASES, VoxelSize.cube(2, 'um'), provenance, name)


class Balanced(HTMLParser):
    """Checks that tags close in order."""

    VOID = frozenset({'meta', 'img', 'br', 'hr', 'link'})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag, attrs):
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def checked(page: str) -> str:
    parser = Balanced()
    parser.feed(page)
    parser.close()
    assert not parser.open
    links = re.findall(r'(?:src|href|url)\s*[=(]\s*["\']?([^"\')>\s]+)', page)
    assert all(link.startswith(('data:', '#')) for link in links), 'the page must not load anything'
    assert not re.search(r'<script|@import', page)
    assert 'nan' not in re.sub(r'<svg.*?</svg>|base64,[^"]*', '', page, flags=re.S).lower().split()
    ids = re.findall(r'\bid="([^"]+)"', page)
    doubled = {i for i in ids if ids.count(i) > 1 and not i.startswith('DejaVu')}
    assert not doubled, doubled
    return page


def test_report_page():
    volume = sponge((24, 24, 24), name='<my> volume')
    page = checked(report_html(drain(measure(volume, in_process=True)), (volume,)))
    assert '&lt;my&gt; volume' in page
    assert '&lt;b&gt;bold' in page
    assert 'Tortuosity factor, z' in page
    assert page.count('<svg') == 1
    assert page.count('data:image/png') == 3
    assert '24 × 24 × 24 voxels of 2 µm' in page


def test_comparison_page():
    made, real = sponge((24, 24, 24), 3), sponge((48, 48, 48), name='real')
    comparison = drain(compare(made, real, tortuosity=False))
    page = checked(report_html(comparison, (made, real)))
    assert page.count('<svg') == 4
    assert page.count('data:image/png') == 6
    for words in ('inside the spread', 'Marching cubes', 'seed', '11', '95 % of real blocks', comparison.basis):
        assert words.lower() in page.lower()
    assert page == report_html(comparison, (made, real)), 'the same comparison gives the same page'


def test_a_page_without_anything_to_plot():
    volume = Volume(np.zeros((20, 20, 20), dtype=np.uint8), PHASES, name='empty')
    page = checked(report_html(drain(measure(volume, in_process=True))))
    assert 'no pore in the volume' in page
    assert '<svg' not in page


def test_figures_leave_matplotlib_as_it_was():
    import matplotlib

    before = dict(matplotlib.rcParams)
    backend = matplotlib.get_backend()
    volume = sponge((20, 20, 20))
    report_html(drain(measure(volume, tortuosity=False)), (volume,))
    assert dict(matplotlib.rcParams) == before
    assert matplotlib.get_backend() == backend


def test_slices_have_the_colours_of_the_phases():
    import base64
    import io

    from PIL import Image

    volume = sponge((20, 22, 24))
    picture = Image.open(io.BytesIO(base64.b64decode(slice_png(volume, 'y').split(',')[1]))).convert('RGB')
    assert picture.size == (24, 20)  # x right, z down
    pixel = np.asarray(picture)[3, 5]
    label = volume.labels[3, 11, 5]
    assert '#{:02x}{:02x}{:02x}'.format(*pixel) == volume.phases.items[label].color


def test_scale_bar_is_round():
    share, label = scale_bar(sponge((20, 20, 100)), 'z')
    assert (share, label) == (pytest.approx(0.25), '50 µm')


@pytest.mark.parametrize(
    ('value', 'text'),
    [(None, '–'), (88.0, '88'), (0.20691, '0.2069'), (-12.5, '−12.5'), (2.24e-6, '2.240·10<sup>−6</sup>')],
)
def test_numbers(value, text):
    assert number(value) == text


def test_units():
    assert show_unit('1/um^3') == '1/µm³'
    assert show_unit('1') == ''


@pytest.mark.parametrize('coarse', [False, True])
def test_the_shapes_are_told_and_shown_beside_the_slices(coarse: bool) -> None:
    def picture(edge: int) -> np.ndarray:
        return sponge((8, edge, edge), 5).labels[4]

    slices = SliceSet.of([Slice(picture(96), PHASES, name='a <slice>')])
    made = sponge((48, 48, 48), 2)
    if coarse:
        made = Volume(made.labels[:24, :24, :24].repeat(2, 0).repeat(2, 1).repeat(2, 2), PHASES, name='coarse')
    verdict = ShapeReference.of(slices).judge([made.labels])
    assert (verdict.level == 'does not fit') == coarse
    report = drain(measure(made, 1, tortuosity=False))
    silent, told = report_html(report, [made]), report_html(report, [made], shape=ShapeEvidence(verdict, slices))
    checked(told)
    assert 'shapes of the slices' not in silent
    section = told.partition('shapes of the slices')[2].partition('</section>')[0]
    assert f'>{verdict.level}</span>' in section
    assert all(words in section for words in verdict.worst) or not coarse
    assert section.count('<img') == 6
