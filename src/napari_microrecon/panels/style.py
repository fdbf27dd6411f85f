"""One look for all panels, on top of napari's own style sheet and in the colours of its theme."""

from __future__ import annotations

from ..viewer.appearance import Palette

MARGIN = 10  # pixels between a panel's edge and its content
GAP = 6  # pixels between rows


def style_sheet(p: Palette) -> str:
    """Style sheet of the dock widget."""
    return f"""
    #microrecon QLabel#heading {{ font-weight: 600; color: {p.text}; }}
    #microrecon QLabel#hint, #microrecon QLabel#note {{ color: {p.muted}; }}
    #microrecon QLabel#warning {{ color: {p.warning}; }}
    #microrecon QLabel#verdict {{ font-weight: 600; }}
    #microrecon QLabel#verdict[level="fits"] {{ color: {p.good}; }}
    #microrecon QLabel#verdict[level="fits in part"] {{ color: {p.warning}; }}
    #microrecon QLabel#verdict[level="does not fit"] {{ color: {p.bad}; }}
    #microrecon QFrame#card {{ background: {p.foreground}; border-radius: 4px; }}
    #microrecon QFrame#card QLabel {{ background: transparent; }}
    #microrecon QFrame#line {{ background: {p.primary}; max-height: 1px; min-height: 1px; border: none; }}

    #microrecon QSpinBox, #microrecon QDoubleSpinBox, #microrecon QComboBox {{ min-width: 34px; }}
    #microrecon QPushButton {{ padding: 4px 10px; min-height: 18px; }}
    #microrecon QPushButton#primary {{ background: {p.accent}; color: {p.on_accent}; font-weight: 600; padding: 6px; }}
    #microrecon QPushButton#primary:hover {{ border: 1px solid {p.text}; padding: 5px; }}
    #microrecon QPushButton#primary:disabled {{ background: {p.primary}; color: {p.muted}; }}
    #microrecon QPushButton:focus {{ border: 1px solid {p.accent}; }}
    #microrecon QPushButton#small {{ padding: 1px 6px; min-height: 16px; }}

    #microrecon QPushButton#step {{
        background: transparent; border: none; border-bottom: 2px solid {p.primary}; border-radius: 0;
        padding: 6px 2px; color: {p.muted};
    }}
    #microrecon QPushButton#step:hover {{ color: {p.text}; background: {p.foreground}; }}
    #microrecon QPushButton#step:focus {{ background: {p.foreground}; }}
    #microrecon QPushButton#step:checked {{
        color: {p.text}; border-bottom: 2px solid {p.accent};
    }}

    #microrecon QTableWidget {{
        background: {p.foreground}; alternate-background-color: {p.foreground}; gridline-color: {p.background};
        border: none; selection-background-color: {p.primary}; selection-color: {p.text};
    }}
    #microrecon QTableWidget#statistics {{ alternate-background-color: {p.background}; }}
    #microrecon QTableWidget#statistics::item {{ padding: 0 3px; }}
    #microrecon QHeaderView::section {{
        background: {p.background}; color: {p.muted}; border: none; padding: 3px 4px;
    }}
    #microrecon QProgressBar {{
        background: {p.foreground}; border: none; border-radius: 3px; max-height: 6px; min-height: 6px;
    }}
    #microrecon QProgressBar::chunk {{ background: {p.accent}; border-radius: 3px; }}
    #microrecon QScrollArea, #microrecon QScrollArea > QWidget > QWidget {{ border: none; background: transparent; }}
    #microrecon QLabel#status[level="error"] {{ color: {p.bad}; }}
    #microrecon QLabel#status[level="warning"] {{ color: {p.warning}; }}
    #microrecon QLabel#status[level="success"] {{ color: {p.text}; }}
    #microrecon QLabel#status[level="info"] {{ color: {p.muted}; }}
    """
