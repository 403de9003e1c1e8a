# Python 3.11 and make are enough; everything else is installed into .venv, as locked.
#
# PYTHON=python3.12 make run     another interpreter
# make test TESTS=tests/pki      some of the tests

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
BUILT  := $(VENV)/built
AWS    := .tools/aws
TESTS  ?= tests
UV     := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 \
          --generate-hashes --no-header --no-emit-index-url --no-emit-find-links
INSTALL := python -m pip install -qq --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help run test lab bench prove-policies prove-clean-up notebooks lock clean

help: ## say what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(BUILT) ## run every guided notebook on the simulated AWS; reports in build/notebooks
	@$(BIN)/pkilab run

test: $(BUILT) $(AWS)/built ## lint, types, architecture, tests, and the notebooks' stored outputs
	@echo "--- ruff: lint"            && $(BIN)/ruff check
	@echo "--- ruff: format"          && $(BIN)/ruff format --check
	@echo "--- mypy: types"           && $(BIN)/mypy
	@echo "--- pytest: tests, architecture, notebooks" \
	  && PKILAB_AWS_CLI=$(abspath $(AWS))/bin/aws $(BIN)/python -m pytest -n 2 --dist worksteal $(TESTS)

lab: $(BUILT) ## open the notebooks in JupyterLab
	@$(BIN)/pkilab lab

bench: $(BUILT) ## measure; a table, and JSON in build/
	@$(BIN)/python benchmarks/run.py

prove-policies: $(BUILT) ## run each notebook with its policy alone, and show that no part of it is too much
	@$(BIN)/python -m tests.prove.policies notebooks/*.ipynb

prove-clean-up: $(BUILT) ## kill each notebook's run at every change, and clean up from its ledger
	@$(BIN)/python -m tests.stand_in.prove_clean_up

notebooks: $(BUILT) ## run the notebooks, store their outputs in them, and their plans and policies
	@$(BIN)/pkilab run --in-place

lock: $(BUILT) ## bring the locked sets in line with pyproject.toml (UPGRADE=--upgrade: newest)
	@$(UV) $(UPGRADE) --all-extras pyproject.toml --output-file requirements.lock
	@echo awscli | $(UV) $(UPGRADE) - --output-file aws-cli.lock

clean: ## remove the environment and everything built
	rm -rf $(VENV) .tools build dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache

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
	@$(BIN)/$(INSTALL) --require-hashes --requirement requirements.lock
	@$(BIN)/$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

# A witness of the tests. It pins a botocore of its own, so it lives in an environment of its own.
$(AWS)/built: aws-cli.lock $(BUILT)
	@echo "Building the environment of the aws command line in $(AWS)."
	@$(BIN)/python -m venv --clear $(AWS)
	@$(AWS)/bin/$(INSTALL) --require-hashes --requirement aws-cli.lock
	@touch $@
