"""Tables of the documentation that are made from what the program knows, plug-ins included.

A page holds `<!-- table of NAME -->` where the table belongs; mkdocs calls this as a hook.
"""

from __future__ import annotations

import re

MARK = re.compile(r'<!-- table of ([\w -]+) -->')


def priors() -> str:
    """Every family of structural priors."""
    from napari_microrecon.engine.generator.priors.families import origin_of, prior_families

    rows = ['| name | what it is | what it is fitted to | cost |', '|---|---|---|---|']
    for name, family in prior_families().items():
        shown = f'`{name}`' + (f' ({origin_of(name)})' if origin_of(name) else '')
        rows.append(f'| {shown} | {family.title} | {family.fits} | {family.cost} |')
    return '\n'.join(rows)


TABLES = {'priors': priors}


def on_page_markdown(markdown: str, **_: object) -> str:
    """Put the tables into a page; called by mkdocs."""
    return MARK.sub(lambda found: TABLES[found[1]](), markdown)
