"""Plug-ins are found by their entry points; a broken one is named in a warning, and the others are there."""

from __future__ import annotations

import logging
import sys
import textwrap
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from napari_microrecon.engine import plugins
from napari_microrecon.engine.plugins import PluginWarning, load_plugins, plugin_names

GROUP = 'napari_microrecon.tried_in_tests'
BASE = logging.Filter  # any class whose instances have a name


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A package with one sound entry point and five that are broken, each in its own way."""
    (tmp_path / 'tried_plugin.py').write_text(
        textwrap.dedent("""
            import logging

            class Sound(logging.Filter):
                def __init__(self):
                    super().__init__('sound')

            class Fails(logging.Filter):
                def __init__(self):
                    raise OSError('no data file')

            misnamed = logging.Filter('another name')
            taken = logging.Filter('taken')
            number = 3
        """),
        encoding='utf-8',
    )
    info = tmp_path / 'tried_plugin-1.2.dist-info'
    info.mkdir()
    (info / 'METADATA').write_text('Metadata-Version: 2.1\nName: tried-plugin\nVersion: 1.2\n', encoding='utf-8')
    named = {'sound': 'Sound', 'fails': 'Fails', 'misnamed': 'misnamed', 'taken': 'taken', 'number': 'number'}
    lines = [f'[{GROUP}]', *(f'{name} = tried_plugin:{value}' for name, value in named.items())]
    lines.append('absent = no_such_module:Thing')
    (info / 'entry_points.txt').write_text('\n'.join(lines) + '\n', encoding='utf-8')
    monkeypatch.syspath_prepend(tmp_path)
    plugins._entries.cache_clear()
    yield
    plugins._entries.cache_clear()
    sys.modules.pop('tried_plugin', None)


@pytest.mark.usefixtures('installed')
def test_sound_plugins_are_loaded_and_broken_ones_named() -> None:
    with pytest.warns(PluginWarning) as told:
        found = load_plugins(GROUP, BASE, taken=('taken',))
    assert list(found) == ['sound']
    assert found['sound'].origin == 'tried-plugin 1.2'
    assert type(found['sound'].value).__name__ == 'Sound'
    texts = [str(one.message) for one in told]
    assert all('\n' not in text and 'tried-plugin adds' in text for text in texts)
    reasons = {
        'absent': 'no_such_module',
        'fails': 'no data file',
        'misnamed': 'declares the name another name',
        'number': 'is no Filter',
        'taken': 'the name taken is taken',
    }
    assert len(texts) == len(reasons)
    for name, reason in reasons.items():
        assert any(f'adds {name} ' in text and reason in text for text in texts), (name, texts)


@pytest.mark.usefixtures('installed')
def test_names_are_known_without_an_import() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        assert plugin_names(GROUP) == ('absent', 'fails', 'misnamed', 'number', 'sound', 'taken')
    assert 'tried_plugin' not in sys.modules


def test_nothing_is_found_where_nothing_is_installed() -> None:
    assert plugin_names('napari_microrecon.nobody_adds_to_this') == ()
    assert load_plugins('napari_microrecon.nobody_adds_to_this', BASE) == {}
