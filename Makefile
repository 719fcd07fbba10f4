# Everything a machine needs is made here, from Python 3.11 or newer and make. `make help` lists the targets.

SHELL := /bin/sh
.DEFAULT_GOAL := help
VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
	if $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then echo $$p; break; fi; done)
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
WORKERS ?= auto

.PHONY: help demo test check format install docs screenshots bench lock clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1	/p' $(MAKEFILE_LIST) | expand -t 20

demo: $(VENV)/.app ## the product, on a workspace linked to a real vault server on this machine
	@$(BIN)/hushpost demo

test: $(VENV)/.dev ## every test, on real servers
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -q

check: $(VENV)/.dev ## the whole gate: format, lint, types, import contracts, tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(MAKE) test

format: $(VENV)/.dev ## rewrite the code as the gate wants it
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

install: $(VENV)/.dev ## .venv with everything

docs: $(VENV)/.dev ## write the tables in docs/ anew
	$(BIN)/python docs/generate.py

screenshots: $(VENV)/.dev ## draw screenshots/ anew from the real app
	$(BIN)/python screenshots/make.py
	$(BIN)/python screenshots/report.py

bench: $(VENV)/.dev ## measure start-up and sending
	$(BIN)/python benchmarks/startup.py

lock: $(VENV)/.dev ## resolve requirements/*.lock anew from pyproject.toml (needs uv)
	uv pip compile pyproject.toml --group demo --universal --generate-hashes --no-emit-index-url --no-header \
		--python-version 3.11 --upgrade --quiet -o requirements/app.lock
	uv pip compile pyproject.toml --group dev --universal --generate-hashes --no-emit-index-url --no-header \
		--python-version 3.11 --upgrade --quiet -c requirements/app.lock -o requirements/dev.lock

clean: ## remove what these targets made
	rm -rf $(VENV) dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo 'hushpost needs Python 3.11 or newer; on Debian or Ubuntu: apt install python3 python3-venv'; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) has no venv; on Debian or Ubuntu: apt install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.app: requirements/app.lock pyproject.toml | $(BIN)/python
	$(PIP) install --require-hashes -r requirements/app.lock
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements/dev.lock pyproject.toml | $(BIN)/python
	$(PIP) install --require-hashes -r requirements/dev.lock
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@ $(VENV)/.app
