# Python 3.11 and make are enough; everything else is installed into .venv, as locked.
#
# PYTHON=python3.12 make run     another interpreter
# make test TESTS=tests/pki      some of the tests

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
BUILT  := $(VENV)/built
TESTS  ?= tests
UV     := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --all-extras \
          --generate-hashes --no-header --no-emit-index-url --no-emit-find-links

.DEFAULT_GOAL := help
.PHONY: help run test lab bench notebooks lock clean

help: ## say what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(BUILT) ## run every guided notebook on the simulated AWS; reports in build/notebooks
	@$(BIN)/pkilab run

test: $(BUILT) ## lint, types, architecture, tests, and the notebooks' stored outputs
	@echo "--- ruff: lint"            && $(BIN)/ruff check
	@echo "--- ruff: format"          && $(BIN)/ruff format --check
	@echo "--- mypy: types"           && $(BIN)/mypy
	@echo "--- pytest: tests, architecture, notebooks" \
	  && $(BIN)/python -m pytest -n 2 --dist worksteal $(TESTS)

lab: $(BUILT) ## open the notebooks in JupyterLab
	@$(BIN)/pkilab lab

bench: $(BUILT) ## measure; a table, and JSON in build/
	@$(BIN)/python benchmarks/run.py

notebooks: $(BUILT) ## run the notebooks and store their outputs in them
	@$(BIN)/pkilab run --in-place

lock: $(BUILT) ## bring requirements.lock in line with pyproject.toml (UPGRADE=--upgrade: newest)
	@$(UV) $(UPGRADE) pyproject.toml --output-file requirements.lock

clean: ## remove the environment and everything built
	rm -rf $(VENV) build dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache

$(BUILT): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "pkilab needs Python 3.11 or newer, and '$(PYTHON)' is not." \
	       "Name one: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' || { \
	  echo "'$(PYTHON)' came without venv; on Debian and Ubuntu: apt-get install python3-venv" >&2; \
	  exit 1; }
	@echo "Building the environment in $(VENV): $$(grep -c == requirements.lock) locked packages," \
	      "a few minutes, once."
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes \
	  --requirement requirements.lock
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps \
	  --no-build-isolation --editable .
	@touch $@
