# Two commands set everything up by themselves: `make demo` runs the main job, `make test` runs every check.
# PYTHON=/path/to/python picks another interpreter; VENV=elsewhere another place for the environment.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

VENV ?= .venv
PYTHON ?=
, := ,
BIN := $(VENV)/bin

# What `make demo` needs, and what `make test` needs on top of it: one stamp each, so that the demo installs no tools.
RUN_READY := $(VENV)/.ready-run
DEV_READY := $(VENV)/.ready-dev

# One pip call; its many lines become one short line a package, and the whole of them only where it fails.
define pip_install
if ! $(BIN)/python -m pip install --disable-pip-version-check --no-input --progress-bar off --editable '.[$(1)]' 2>&1 \
	| tee $(VENV)/install.log \
	| sed -u -n -e 's/^Collecting \([^ ]*\).*/  \1/p' -e 's/^Processing .*\/\([^/-]*-[^-]*\)-.*/  \1/p' \
		-e 's/^Installing collected packages.*/  unpacking .../p'; then \
	tail -n 40 $(VENV)/install.log >&2; \
	echo "pip could not install nasdsl; everything it said is in $(VENV)/install.log" >&2; \
	exit 1; \
fi
endef

.PHONY: help venv demo test format clean

help: ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 16

venv: $(DEV_READY) ## everything for working on nasdsl, in .venv

demo: $(RUN_READY) ## search a small FasterSeg space on procedural street scenes, into runs/demo
	rm -rf runs/demo
	$(BIN)/nasdsl search spaces/fasterseg.nas --preset demo --data streets --budget 150s --threads 1 --run runs/demo

test: $(DEV_READY) ## lint, types, layers, tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2

format: $(DEV_READY) ## lay the Python code out
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## remove the environment, caches and builds; runs/ stays
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find nasdsl tests -type d -name __pycache__ -prune -exec rm -rf {} +

$(VENV)/pyvenv.cfg:
	@is_new_enough='import sys; sys.exit(sys.version_info < (3, 11))'; \
	for candidate in $(or $(PYTHON),python3 python3.13 python3.12 python3.11); do \
		if "$$candidate" -c "$$is_new_enough" 2>/dev/null; then found=$$candidate; break; fi; \
	done; \
	if [ -z "$${found:-}" ]; then \
		echo "nasdsl needs Python 3.11 or newer; found: $$($(or $(PYTHON),python3) --version 2>&1 | head -n 1)." >&2; \
		echo "Install one, or name it: make PYTHON=/path/to/python3.11 venv" >&2; exit 1; \
	fi; \
	if ! "$$found" -c 'import ensurepip, venv' 2>/dev/null; then \
		echo "$$found cannot make virtual environments (no venv or ensurepip)." >&2; \
		echo "On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; \
	fi; \
	echo "Making $(VENV) with $$("$$found" --version)"; \
	"$$found" -m venv $(VENV)

$(RUN_READY): pyproject.toml | $(VENV)/pyvenv.cfg
	@echo "Installing nasdsl and what it runs on (about a minute, 1 GB)"
	@$(call pip_install,all)
	@touch $@

$(DEV_READY): pyproject.toml | $(VENV)/pyvenv.cfg
	@echo "Installing nasdsl, what it runs on and the development tools (about a minute, 1 GB)"
	@$(call pip_install,all$(,)dev)
	@touch $(RUN_READY) $@
