#!/usr/bin/env bash
# Runs the tests with the oldest versions that pyproject.toml allows of what the product needs, in .venv-oldest.
# torch stays the tested one: its older builds bring gigabytes. Test tools are as new as they fit. Arguments go to pytest.
# uv chooses the versions (pip finds no way through); it reads UV_* variables, not pip's configuration.
set -euo pipefail
cd "$(dirname "$0")/.."

venv=.venv-oldest
python=$venv/bin/python
[ -x $python ] || .venv/bin/python -m venv $venv
$python -m pip install -q uv -c constraints.txt torch
grep '^torch==' constraints.txt >$venv/kept.txt
uv=("$venv/bin/uv" pip install -q --python "$python" -c "$venv/kept.txt")
"${uv[@]}" --resolution lowest-direct -e '.[all]' 'distributed>=2024.8'
$venv/bin/uv pip freeze -q --python "$python" --exclude-editable >$venv/kept.txt
"${uv[@]}" --group test
exec $python -m pytest -n auto --maxprocesses 4 --dist loadfile "$@"
