"""Forms are made from the parameter models: limits, defaults, tooltips; every field reaches the engine."""

from __future__ import annotations

from typing import Any

import pytest
from qtpy.QtWidgets import QComboBox

from napari_microrecon.engine.errors import InputError
from napari_microrecon.engine.generator.params import FinetuneParams, ReconstructParams
from napari_microrecon.panels.forms import Edges, ModelForm
from napari_microrecon.session import Session
from napari_microrecon.viewer.settings import Preferences


def test_the_model_drives_the_form(qtbot):
    form = ModelForm(ReconstructParams, {'shape': 'Size', 'mode': 'Mode', 'realisations': 'N', 'tile': 'Tile'})
    qtbot.addWidget(form)
    assert form.model() == ReconstructParams.model_validate({})
    count: Any = form.editors['realisations'].native
    assert (count.minimum(), count.maximum()) == (1, 1000)
    assert isinstance(form.editors['mode'].native, QComboBox)
    for name, editor in form.editors.items():
        words = ReconstructParams.model_fields[name].description
        assert words is not None
        assert words in editor.native.toolTip()
    tile: Any = form.editors['tile'].native
    assert tile.text() == 'automatic'
    form.set_value('tile', 64)
    assert form.model().tile == 64


def test_changes_are_announced(qtbot):
    form = ModelForm(ReconstructParams, {'shape': 'Size', 'mode': 'Mode', 'seed': 'Seed', 'periodic': 'P'})
    qtbot.addWidget(form)
    for name, value in {'shape': (32, 64, 96), 'mode': 'conditioned', 'seed': 7, 'periodic': True}.items():
        with qtbot.waitSignal(form.changed):
            form.set_value(name, value)
    assert form.model().model_dump(include={'shape', 'mode', 'seed', 'periodic'}) == {
        'shape': (32, 64, 96), 'mode': 'conditioned', 'seed': 7, 'periodic': True,
    }  # fmt: skip


def test_what_the_model_refuses_is_said_in_one_line(qtbot):
    form = ModelForm(ReconstructParams, {'shape': 'Size'})
    qtbot.addWidget(form)
    edges = form.editors['shape'].native
    assert isinstance(edges, Edges)
    edges.boxes[0].setMinimum(1)
    form.set_value('shape', (8, 32, 32))
    with pytest.raises(InputError, match='below 16 voxels') as caught:
        form.model()
    assert '\n' not in str(caught.value)


def test_every_field_of_the_reconstruct_panel_reaches_the_engine(qtbot):
    from napari_microrecon.panels.reconstruct_panel import ReconstructPanel

    panel = ReconstructPanel(Session(), Preferences(edge=48, device='cpu'))
    qtbot.addWidget(panel)
    assert panel.parameters().shape == (48, 48, 48)
    assert panel.parameters().device == 'cpu'
    wanted = {
        'shape': (32, 48, 64), 'mode': 'most-likely', 'realisations': 3, 'seed': 11, 'periodic': True, 'tile': 96,
        'device': 'auto', 'fractions': 'ensemble',
    }  # fmt: skip
    for name, value in wanted.items():
        (panel.form if name in panel.form.editors else panel.advanced).set_value(name, value)
    assert panel.parameters().model_dump(include=set(wanted)) == wanted


def test_every_field_of_the_finetune_panel_reaches_the_engine(qtbot):
    from napari_microrecon.panels.finetune_panel import FinetunePanel

    panel = FinetunePanel(Session(), Preferences(minutes=7.0))
    qtbot.addWidget(panel)
    assert panel.parameters() == FinetuneParams.model_validate({'minutes': 7.0})
    wanted = {'minutes': 2.5, 'seed': 4, 'recipe': 'paper', 'device': 'cpu'}
    for name, value in wanted.items():
        (panel.form if name in panel.form.editors else panel.advanced).set_value(name, value)
    assert panel.parameters().model_dump(include=set(wanted)) == wanted
    assert panel.parameters() == FinetuneParams.model_validate(wanted), 'no field of the form overrules the recipe'
