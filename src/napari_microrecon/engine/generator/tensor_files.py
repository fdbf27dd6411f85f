"""Reading files of tensors that somebody else may have written: nothing is believed, nothing large is made first."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
from pydantic import BaseModel, ValidationError
from safetensors import SafetensorError, safe_open

from ..errors import InputError
from ..formats import Kind, check_format, first_problem, is_of_another_version, maker, shown, unknown_prior

Shapes = Mapping[str, tuple[int, ...]]
_Model = TypeVar('_Model', bound=BaseModel)

FLOATS = {'F16': torch.float16, 'BF16': torch.bfloat16, 'F32': torch.float32, 'F64': torch.float64}
COUNTS = {'I64': torch.int64}
LARGEST = 1e9  # of a number in a tensor; half precision ends at 65504


@dataclass(frozen=True, eq=False)
class TensorFile:
    """An open file: its record as plain data, the shapes that its tensors claim, and the tensors when asked for."""

    name: str
    kind: Kind
    record: dict[str, Any]
    shapes: Shapes
    types: Mapping[str, str]
    _handle: Any

    def refuse(self, problem: str) -> InputError:
        """Error that names the file."""
        return InputError(self.name, problem, self.kind.remedy)

    def parsed(self, model: type[_Model]) -> _Model:
        """Return the record as a model.

        Raises
        ------
        InputError
            If a field of it is missing, unknown or out of its bounds.
        """
        try:
            return model.model_validate(self.record)
        except (ValidationError, RecursionError) as error:
            if prior := unknown_prior(error, self.record):
                raise InputError(self.name, prior, 'install the plug-in that brings it') from error
            made = maker(self.record) if is_of_another_version(error) else ''
            by = f' ({made} made it and can read it)' if made else ''
            raise self.refuse(f'its header cannot be right: {first_problem(error)}{by}') from error

    def check_like(self, wanted: Mapping[str, torch.Tensor], *, prefix: str = '') -> None:
        """Compare names, shapes and types of the tensors under a prefix with those of (empty) tensors.

        Raises
        ------
        InputError
            If one is missing, too many, of another shape or no floating-point numbers where these belong.
        """
        found = {name for name in self.shapes if name.startswith(prefix)}
        asked = {prefix + name for name in wanted}
        if found != asked:
            lost, more = sorted(asked - found), sorted(found - asked)
            problem = f'lacks the tensor {lost[0]}' if lost else f'holds a tensor {shown(more[0])} that does not belong'
            raise self.refuse(problem)
        for name, tensor in wanted.items():
            self.check_one(prefix + name, tuple(tensor.shape), is_float=tensor.is_floating_point())

    def check_one(self, name: str, shape: tuple[int, ...], *, is_float: bool = True) -> None:
        """Compare shape and type of one tensor with what they should be; see `check_like`."""
        if self.shapes.get(name) != shape:
            has = 'none' if name not in self.shapes else f'{self.shapes[name]}'
            raise self.refuse(f'its tensor {name} has the shape {has} where {shape} belongs')
        self.check_type(name, is_float=is_float)

    def check_type(self, name: str, *, is_float: bool = True) -> None:
        """Compare the type of one tensor with what it should be; see `check_like`."""
        if self.types[name] not in (FLOATS if is_float else COUNTS):
            kind = 'floating-point numbers belong' if is_float else 'a count belongs'
            raise self.refuse(f'its tensor {shown(name)} is {self.types[name]} where {kind}')

    def tensors(self, prefix: str = '') -> dict[str, torch.Tensor]:
        """Return the tensors whose names begin so, by the rest of these.

        Raises
        ------
        InputError
            If a number in them is infinite, none, or absurdly large.
        """
        found: dict[str, torch.Tensor] = {}
        for name in self.shapes:
            if not name.startswith(prefix):
                continue
            tensor = self._handle.get_tensor(name)
            if tensor.is_floating_point():
                # In single precision, for in half of it the limit itself is infinite. NaN compares with nothing.
                if tensor.numel() and not bool((tensor.float().abs() <= LARGEST).all()):
                    raise self.refuse(f'its tensor {shown(name)} holds numbers that are infinite or none (NaN)')
            elif tensor.numel() and int(tensor.min()) < 0:
                raise self.refuse(f'its tensor {shown(name)} counts below zero')
            found[name[len(prefix) :]] = tensor
        return found


@contextmanager
def reading(path: Path, kind: Kind) -> Iterator[TensorFile]:
    """Open a file of tensors; its record has the present format.

    Raises
    ------
    InputError
        If it is no such file, or of another format; whatever fails in the block because of the file.
    """
    try:
        with safe_open(path, 'pt') as handle:
            text = (handle.metadata() or {}).get(kind.key)
            if text is None:
                raise InputError(path.name, f'holds no {kind.words}', kind.remedy)
            slices = {name: handle.get_slice(name) for name in handle.keys()}  # noqa: SIM118 (no dict)
            yield TensorFile(
                path.name,
                kind,
                _record(path.name, kind, text),
                {name: tuple(part.get_shape()) for name, part in slices.items()},
                {name: part.get_dtype() for name, part in slices.items()},
                handle,
            )
    except (SafetensorError, OSError, RuntimeError, UnicodeError, OverflowError) as error:
        raise InputError(path.name, f'is no readable safetensors file ({shown(str(error))})', kind.remedy) from error


def _record(name: str, kind: Kind, text: str) -> dict[str, Any]:
    try:
        record = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(name, 'its header cannot be right: no JSON', kind.remedy) from error
    if not isinstance(record, dict):
        raise InputError(name, 'its header cannot be right: no JSON object', kind.remedy)
    check_format(name, kind, record.setdefault('format', 1))  # early files did not say it
    return record
