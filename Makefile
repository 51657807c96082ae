# Amends: `make` lists what there is.
PYTHON ?= python3
PORT ?= 8080
DATA ?= .local
N ?= 500
SEQUENCES ?= 10000
SEED ?= 0
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help run demo test test-long differential lint format clean

help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/runtime ## the whole system on this machine (PORT=8080 DATA=.local)
	@exec $(BIN)/python -m local --port $(PORT) --data $(DATA)

demo: $(VENV)/runtime ## replay real orders on a throw-away stack and check the books (N=500 CHAOS=1)
	@exec $(BIN)/python -m benchmarks.demo --orders $(N) $(if $(CHAOS),--chaos)

test: $(VENV)/dev ## every test
	@$(BIN)/python -m pytest -n 2

test-long: $(VENV)/dev ## every test, and at full length those that `test` shortens (minutes more)
	@LONG=1 $(BIN)/python -m pytest

differential: $(VENV)/dev ## random operations here and on Google's emulators (SEQUENCES=10000 SEED=0)
	@SEQUENCES=$(SEQUENCES) $(BIN)/python -m pytest -rs tests/contract/differential \
	  --hypothesis-seed=$(SEED) --hypothesis-show-statistics

lint: $(VENV)/dev ## ruff and mypy --strict
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

format: $(VENV)/dev ## put the code into its one format
	@$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

clean: ## remove what make made (the local data too)
	rm -rf $(VENV) .local .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Amends needs Python 3.11 or later: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/runtime: requirements.txt | $(VENV)/bin/python
	@echo "installing what the functions run on (once) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/dev: requirements-dev.txt $(VENV)/runtime
	@echo "installing what the tests need (once) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@
