# Two commands do it all: `make demo` does the main job, `make test` passes the tests.
# Each sets up what it needs (system libraries, .venv, packages) and starts in seconds the second time.

SHELL := /bin/bash
BIN := .venv/bin
NAME ?= sandstone
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help env demo test test-oldest lint format docs bench samples wheel clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

env: ## set up everything, tools for development included
	@scripts/env.sh dev

demo: ## reconstruct a sample and set it beside its reference (NAME=limestone for another one)
	@scripts/env.sh run
	$(BIN)/napari-microrecon demo $(NAME) $(ARGS)

test: ## run all tests, windows under Xvfb (ARGS="-k name" for some)
	@scripts/env.sh dev
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile $(ARGS)

test-oldest: ## the same with the oldest versions allowed of what the product needs, in an environment of its own
	@scripts/env.sh dev
	scripts/oldest.sh $(ARGS)

lint: ## ruff, pyright, import directions, napari manifest
	@scripts/env.sh dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/pyright
	$(BIN)/lint-imports
	$(BIN)/npe2 validate src/napari_microrecon/napari.yaml

format: ## let ruff repair what it can
	@scripts/env.sh dev
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

docs: ## build the documentation into site/, warnings are errors
	@scripts/env.sh dev
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

bench: ## measure quality and speed (see benchmarks/)
	@scripts/env.sh dev
	@for script in benchmarks/[a-z]*.py; do echo "== $$script"; $(BIN)/python "$$script" $(ARGS) || exit; done

samples: ## make the bundled samples anew
	@scripts/env.sh dev
	$(BIN)/python scripts/make_samples.py $(ARGS)

wheel: ## build the wheel and the source archive into dist/
	@scripts/env.sh dev
	$(BIN)/python -m build

clean: ## remove what was built; .venv stays
	rm -rf build dist site demo-output .pytest_cache .ruff_cache .import_linter_cache
