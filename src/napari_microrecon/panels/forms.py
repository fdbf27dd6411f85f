"""A form from a pydantic model: the model's limits, defaults and descriptions drive the widgets."""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from typing import Any, Generic, Literal, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QComboBox, QDoubleSpinBox, QHBoxLayout, QLabel, QSpinBox, QWidget

from ..engine.errors import InputError
from .parts import form, narrow

Model = TypeVar('Model', bound=BaseModel)
_LARGEST = 2**31 - 1


class Edges(QWidget):
    """Three edge lengths z, y, x in voxels."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.boxes = [QSpinBox() for _ in range(3)]
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        for axis, box in zip('zyx', self.boxes, strict=True):
            box.setRange(16, 4096)
            box.setSingleStep(16)
            box.setPrefix(f'{axis} ')
            box.setButtonSymbols(QSpinBox.ButtonSymbols.NoButtons)
            box.setMinimumWidth(48)
            box.valueChanged.connect(lambda _: self.changed.emit())
            layout.addWidget(box, 1)

    def value(self) -> tuple[int, int, int]:
        """(z, y, x) in voxels."""
        z, y, x = (box.value() for box in self.boxes)
        return z, y, x

    def set_value(self, value: Sequence[int]) -> None:
        """Show (z, y, x)."""
        for box, edge in zip(self.boxes, value, strict=True):
            box.setValue(edge)


class ModelForm(QWidget, Generic[Model]):
    """Rows for some fields of a model.

    Parameters
    ----------
    model : type of pydantic.BaseModel
        Gives type, limits, default and description (the tooltip) of every field.
    fields : mapping of str to str
        Field names with the labels to show, in order.
    suffixes : mapping of str to str
        Units shown after numbers.
    choices : mapping of str to mapping of str to str
        For fields with few possible values the values with the words to show; Literal fields have them anyway.
    defaults : mapping of str to object
        Values to start with in place of the model's.
    """

    changed = Signal()

    def __init__(
        self,
        model: type[Model],
        fields: Mapping[str, str],
        *,
        suffixes: Mapping[str, str] | None = None,
        choices: Mapping[str, Mapping[str, str]] | None = None,
        defaults: Mapping[str, Any] | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._model = model
        self.editors: dict[str, QWidget] = {}
        self.rows = form()
        self.setLayout(self.rows)
        for name, label in fields.items():
            info = model.model_fields[name]
            editor = _editor(info, (choices or {}).get(name), (suffixes or {}).get(name, ''))
            title = QLabel(label)
            for widget in (title, editor):
                widget.setToolTip(f'<qt>{info.description or label}</qt>')
            if isinstance(editor, Edges):
                for box in editor.boxes:
                    box.setToolTip(f'<qt>{info.description or label}</qt>')
            title.setBuddy(editor)
            self.editors[name] = editor
            _on_change(editor, self.changed.emit)
            self.rows.addRow(title, editor)
            self.set_value(name, (defaults or {}).get(name, info.get_default(call_default_factory=True)))

    def set_value(self, name: str, value: Any) -> None:
        """Show a value of one field."""
        editor = self.editors[name]
        if isinstance(editor, Edges):
            editor.set_value(value)
        elif isinstance(editor, QComboBox):
            editor.setCurrentIndex(max(0, editor.findData(value)))
        elif isinstance(editor, QCheckBox):
            editor.setChecked(value)
        elif isinstance(editor, QSpinBox):
            editor.setValue(editor.minimum() if value is None else int(value))
        elif isinstance(editor, QDoubleSpinBox):
            editor.setValue(editor.minimum() if value is None else float(value))

    def values(self) -> dict[str, Any]:
        """Return what the form shows, by field."""
        return {name: _value(editor) for name, editor in self.editors.items()}

    def model(self, **further: Any) -> Model:
        """Return a model with the form's values and `further` ones.

        Raises
        ------
        InputError
            If they are not valid, naming the field.
        """
        try:
            return self._model(**{**self.values(), **further})
        except ValidationError as error:
            first = error.errors()[0]
            subject = str(first['loc'][0]) if first['loc'] else 'parameters'
            raise InputError(subject, first['msg'].removeprefix('Value error, '), 'change it in the form') from error


def _editor(info: FieldInfo, choices: Mapping[str, str] | None, suffix: str) -> QWidget:
    kind, optional = _plain(info.annotation)
    if choices is None and get_origin(kind) is Literal:
        choices = {value: str(value) for value in get_args(kind)}
    if choices is not None:
        combo = narrow(QComboBox())
        for value, words in choices.items():
            combo.addItem(words, value)
        return combo
    if kind is bool:
        return QCheckBox()
    if get_origin(kind) is tuple:
        return Edges()
    low, high = _limits(info)
    if kind is int:
        box = QSpinBox()
        floor = int(low) if low is not None else -_LARGEST
        # One step below the smallest value stands for None.
        box.setRange(floor - optional, int(high) if high is not None else _LARGEST)
        if suffix:
            box.setSuffix(suffix)
        if optional:
            box.setSpecialValueText('automatic')
        return box
    if kind is float:
        real = QDoubleSpinBox()
        real.setDecimals(1)
        real.setRange(0.1 if low is not None else -1e9, float(high) if high is not None else 1e9)
        real.setSuffix(suffix)
        return real
    raise TypeError(f'no editor for {info.annotation}')


def _plain(annotation: Any) -> tuple[Any, bool]:
    """Return the type without None, and whether None was allowed."""
    if get_origin(annotation) in (Union, types.UnionType):
        kinds = [kind for kind in get_args(annotation) if kind is not type(None)]
        return kinds[0], len(kinds) < len(get_args(annotation))
    return annotation, False


def _limits(info: FieldInfo) -> tuple[float | None, float | None]:
    low = high = None
    for rule in info.metadata:
        low = getattr(rule, 'ge', getattr(rule, 'gt', low))
        high = getattr(rule, 'le', high)
        if (below := getattr(rule, 'lt', None)) is not None:
            high = below - 1
    return low, high


def _value(editor: QWidget) -> Any:
    if isinstance(editor, Edges):
        return editor.value()
    if isinstance(editor, QComboBox):
        return editor.currentData()
    if isinstance(editor, QCheckBox):
        return editor.isChecked()
    if isinstance(editor, QSpinBox):
        is_none = bool(editor.specialValueText()) and editor.value() == editor.minimum()
        return None if is_none else editor.value()
    if isinstance(editor, QDoubleSpinBox):
        return editor.value()
    raise TypeError(type(editor).__name__)


def _on_change(editor: QWidget, slot: Any) -> None:
    if isinstance(editor, Edges):
        editor.changed.connect(slot)
    elif isinstance(editor, QComboBox):
        editor.currentIndexChanged.connect(lambda _: slot())
    elif isinstance(editor, QCheckBox):
        editor.toggled.connect(lambda _: slot())
    elif isinstance(editor, QSpinBox | QDoubleSpinBox):
        editor.valueChanged.connect(lambda _: slot())
