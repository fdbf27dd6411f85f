"""A form from a pydantic model: the model's limits, defaults and descriptions drive magicgui's widgets."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, Literal, TypeVar, Union, get_args, get_origin

from magicgui.widgets import CheckBox, ComboBox, FloatSpinBox, SpinBox
from magicgui.widgets.bases import ValueWidget
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QLabel, QSpinBox, QWidget

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
        self.editors: dict[str, Editor] = {}
        self.rows = form()
        self.setLayout(self.rows)
        for name, label in fields.items():
            info = model.model_fields[name]
            editor = _editor(info, (choices or {}).get(name), (suffixes or {}).get(name, ''))
            title = QLabel(label)
            for widget in (title, editor.native, *editor.parts):
                widget.setToolTip(f'<qt>{info.description or label}</qt>')
            title.setBuddy(editor.native)
            self.editors[name] = editor
            self.rows.addRow(title, editor.native)
            self.set_value(name, (defaults or {}).get(name, info.get_default(call_default_factory=True)))
            editor.on_change(self.changed.emit)

    def set_value(self, name: str, value: Any) -> None:
        """Show a value of one field."""
        self.editors[name].value = value

    def values(self) -> dict[str, Any]:
        """Return what the form shows, by field."""
        return {name: editor.value for name, editor in self.editors.items()}

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


class Editor:
    """One field: a magicgui widget (or the three edges), where the smallest value may stand for None."""

    def __init__(self, widget: ValueWidget | Edges, none: int | None = None) -> None:
        self._widget, self._none = widget, none
        self.native: QWidget = widget if isinstance(widget, Edges) else widget.native
        self.parts: Sequence[QWidget] = widget.boxes if isinstance(widget, Edges) else ()

    @property
    def value(self) -> Any:
        """What the editor shows."""
        found: Any = self._widget.value() if isinstance(self._widget, Edges) else self._widget.value
        if self._none is None:
            return found
        return None if found == self._none else int(found)

    @value.setter
    def value(self, value: Any) -> None:
        if isinstance(self._widget, Edges):
            self._widget.set_value(value)
        else:
            self._widget.value = self._none if value is None else value

    def on_change(self, slot: Callable[[], None]) -> None:
        """Call `slot` whenever the value changes."""
        if isinstance(self._widget, Edges):
            self._widget.changed.connect(slot)
        else:
            self._widget.changed.connect(lambda _: slot())


def _editor(info: FieldInfo, choices: Mapping[str, str] | None, suffix: str) -> Editor:
    kind, optional = _plain(info.annotation)
    if choices is None and get_origin(kind) is Literal:
        choices = {value: str(value) for value in get_args(kind)}
    if choices is not None:
        combo = ComboBox(choices=[(words, value) for value, words in choices.items()])
        narrow(combo.native)
        return Editor(combo)
    if kind is bool:
        return Editor(CheckBox(text=''))
    if get_origin(kind) is tuple:
        return Editor(Edges())
    low, high = _limits(info)
    if kind is int:
        floor, ceiling = int(low) if low is not None else -_LARGEST, int(high) if high is not None else _LARGEST
        if not optional:
            return Editor(SpinBox(min=floor, max=ceiling, step=1))
        # One step below the smallest value stands for None; magicgui's integer box cannot show words for it.
        box = FloatSpinBox(min=floor - 1, max=ceiling, step=1)
        box.native.setDecimals(0)
        box.native.setSpecialValueText('automatic')
        return Editor(box, floor - 1)
    if kind is float:
        real = FloatSpinBox(min=0.1 if low is not None else -1e9, max=high if high is not None else 1e9, step=0.1)
        real.native.setDecimals(1)
        real.native.setSingleStep(1.0 if high is None or high > 1 else 0.1)
        real.native.setSuffix(suffix)
        return Editor(real)
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
