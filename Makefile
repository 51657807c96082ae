# Amends: `make` lists what there is.
PYTHON ?= python3
PORT ?= 8080
DATA ?= .local
QUEUES ?= 1
STEPS ?= 4
N ?= 500
SECONDS ?= 60
SEQUENCES ?= 10000
SCHEDULES ?= 20000
TESTS ?= tests
# PYTHON= has an environment of its own, .venv-3.13 say, unless .venv is there and of that version.
OTHER :=
ifneq ($(origin PYTHON),file)
VERSION := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])')
$(if $(VERSION),,$(error PYTHON=$(PYTHON) does not run here))
OTHER := $(if $(wildcard .venv/pyvenv.cfg),$(shell grep -q '^version *= *$(VERSION)\.' .venv/pyvenv.cfg || echo -$(VERSION)))
endif
VENV := .venv$(OTHER)
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes

.DEFAULT_GOAL := help
.PHONY: help run demo test coverage test-long test-image schedules mutants differential fuzz lint verbs bench costs cold-start setup alerts rollback release teardown play lock format clean

help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/runtime ## the whole system on this machine (PORT=8080 DATA=.local QUEUES=1)
	@exec $(BIN)/python -m local --port $(PORT) --data $(DATA) --queues $(QUEUES)

demo: $(VENV)/runtime ## replay real orders on a throw-away stack and check the books (N=500 CHAOS=1)
	@exec $(BIN)/python -m demo --orders $(N) $(if $(CHAOS),--chaos)

test: $(VENV)/dev ## every test (TESTS=tests/unit for some, PYTHON=python3.13 for another Python)
	@$(BIN)/python -m pytest -n 2 $(TESTS)

coverage: $(VENV)/dev ## which lines the tests run: fails below the floor in pyproject.toml (PYTHON=)
	@$(BIN)/python -m pytest -n 2 --cov --cov-report=term tests/unit tests/http tests/contract tests/saga tests/stack \
	  -k "not classic and not fsd and not differential"

test-long: $(VENV)/dev ## every test, and at full length those that `test` shortens (minutes more)
	@LONG=1 $(BIN)/python -m pytest

test-image: $(VENV)/dev ## start every function in what the image holds, in an environment of its own
	@LONG=1 $(BIN)/python -m pytest tests/deploy/test_image.py

fuzz: $(VENV)/dev ## strike at both local servers with what no client sends, 60 s three times (SECONDS= SEED=)
	@$(BIN)/python -m tests.fuzz --seconds $(SECONDS) $(if $(SEED),--seed $(SEED))

differential: $(VENV)/dev ## random operations here and on Google's emulators (SEQUENCES=10000 SEED=0)
	@SEQUENCES=$(SEQUENCES) $(BIN)/python -m pytest -rs tests/contract/differential \
	  --hypothesis-seed=$(or $(SEED),0) --hypothesis-show-statistics

schedules: $(VENV)/dev ## random sagas under random faults (SCHEDULES=20000)
	@SCHEDULES=$(SCHEDULES) $(BIN)/python -m pytest -n 2 tests/unit/explore/test_random.py

mutants: $(VENV)/dev ## change one line at a time, and have the quick tests notice (WORDS= chooses)
	@$(BIN)/python -m tests.mutants $(WORDS)

lint: $(VENV)/dev ## ruff and mypy --strict
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

verbs: $(VENV)/dev ## write docs/verbs.md (each operator's verb in each state) and docs/causes.md
	@$(BIN)/python -m tests.docs.verb_table
	@$(BIN)/python -m tests.docs.cause_table

costs: $(VENV)/runtime ## what a saga costs by list price, and what the free tier is enough for (STEPS=4)
	@$(BIN)/python -m benchmarks.costs --steps $(STEPS)

bench: $(VENV)/runtime ## one job on Amends, Restate, Celery and DBOS, in one run (installs them into .peers/)
	@$(BIN)/python -m benchmarks.peers

cold-start: $(VENV)/runtime ## what the first answer of a function costs in processor time, beside a bare one
	@$(BIN)/python -m benchmarks.cold_start

setup: $(VENV)/runtime ## show what sets up a Google Cloud project; APPLY=1 does it (PROJECT= REGION= SUBMITTERS=)
	@$(BIN)/python -m deploy setup $(if $(APPLY),,--dry-run)

alerts: $(VENV)/runtime ## show what makes the metrics and alerts; APPLY=1 does it (PROJECT= CHANNELS=)
	@$(BIN)/python -m deploy alerts $(if $(APPLY),,--dry-run)

rollback: $(VENV)/runtime ## move all traffic to what served before the last release (PROJECT= REGION=)
	@$(BIN)/python -m deploy rollback

release: $(VENV)/runtime ## move traffic to what a canary has begun to release (PROJECT= REGION= PERCENT=100)
	@CANARY=$(or $(PERCENT),100) $(BIN)/python -m deploy promote

teardown: $(VENV)/runtime ## show what removes an environment, but for its data; APPLY=1 does it (PROJECT= REGION= PREFIX=)
	@$(BIN)/python -m deploy teardown $(if $(APPLY),,--dry-run)

play: $(VENV)/dev ## play set-up, builds and a rollback by the real gcloud on a project in memory (minutes)
	@$(BIN)/python -m tests.deploy.play

lock: $(VENV)/dev ## write down the hash of everything that requirements*.txt come to
	@for each in requirements requirements-telemetry requirements-local requirements-dev; do \
	  $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
	    --no-header --output-file $$each.lock $$each.txt || exit 1; done

format: $(VENV)/dev ## put the code into its one format
	@$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

clean: ## remove what make made (the local data too)
	rm -rf .venv .venv-* .local .node-client .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Amends needs Python 3.11 or later: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/runtime: requirements.lock requirements-local.lock | $(VENV)/bin/python
	@echo "installing what the functions run on (once) ..."
	@$(PIP) -r requirements.lock -r requirements-local.lock
	@touch $@

$(VENV)/dev: requirements-dev.lock $(VENV)/runtime
	@echo "installing what the tests need (once) ..."
	@$(PIP) -r requirements-dev.lock
	@touch $@
