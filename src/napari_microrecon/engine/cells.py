"""Text for a cell of a table that a spreadsheet may open."""

from __future__ import annotations

_FORMULA = ('=', '+', '-', '@', '\t', '\r')


def text_cell(text: str) -> str:
    """Text as a cell that no spreadsheet takes for a formula: one that begins like one gets an apostrophe in front.

    Names come from users and their files. Numbers are no text: what has a value, with its sign, stays a number.
    """
    return f"'{text}" if text.startswith(_FORMULA) else text
