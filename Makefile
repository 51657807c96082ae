# Amends. `make` lists the targets.
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
# PYTHON= uses an environment of its own, such as .venv-3.13, unless .venv already has that version.
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
.PHONY: help run demo test coverage test-long test-image test-browser schedules mutants differential fuzz lint verbs model model-long bench costs cold-start setup alerts rollback release teardown play lock format clean

help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/runtime ## run the whole system on this machine (PORT=8080 DATA=.local QUEUES=1)
	@exec $(BIN)/python -m local --port $(PORT) --data $(DATA) --queues $(QUEUES)

demo: $(VENV)/runtime ## replay real orders on a temporary stack and check the books (N=500 CHAOS=1 CHAINING=inline)
	@exec $(BIN)/python -m demo --orders $(N) $(if $(CHAOS),--chaos) $(if $(CHAINING),--chaining=$(CHAINING))

test: $(VENV)/dev ## run all tests (TESTS=tests/unit: some of them; PYTHON=python3.13: another Python)
	@$(BIN)/python -m pytest -n 2 $(TESTS)

coverage: $(VENV)/dev ## measure line coverage; fail below the minimum in pyproject.toml (PYTHON=)
	@$(BIN)/python -m pytest -n 2 --cov --cov-report=term tests/unit tests/http tests/contract tests/saga tests/stack \
	  -k "not classic and not fsd and not differential"

test-long: $(VENV)/dev ## run all tests at full length: `test` shortens some of them (minutes more)
	@LONG=1 $(BIN)/python -m pytest

test-image: $(VENV)/dev ## start every function from the files that the image contains, in its own environment
	@LONG=1 $(BIN)/python -m pytest tests/deploy/test_image.py

test-browser: $(VENV)/browser ## test the web page in Chromium (apt-get install chromium): errors, width, axe-core
	@$(BIN)/python -m pytest -rs tests/browser

fuzz: $(VENV)/dev ## fuzz both local servers with malformed input, three times 60 s (SECONDS= SEED=)
	@$(BIN)/python -m tests.fuzz --seconds $(SECONDS) $(if $(SEED),--seed $(SEED))

differential: $(VENV)/dev ## compare random operations here and on Google's emulators (SEQUENCES=10000 SEED=0)
	@SEQUENCES=$(SEQUENCES) $(BIN)/python -m pytest -rs tests/contract/differential \
	  --hypothesis-seed=$(or $(SEED),0) --hypothesis-show-statistics

schedules: $(VENV)/dev ## run random sagas under random faults (SCHEDULES=20000)
	@SCHEDULES=$(SCHEDULES) $(BIN)/python -m pytest -n 2 tests/unit/explore/test_random.py

mutants: $(VENV)/dev ## change one line at a time and check that a test fails (WORDS= selects mutants)
	@$(BIN)/python -m tests.mutants $(WORDS)

lint: $(VENV)/dev ## run ruff and mypy --strict
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

verbs: $(VENV)/dev ## generate docs/verbs.md (each operator's verb in each state) and docs/causes.md
	@$(BIN)/python -m tests.docs.verb_table
	@$(BIN)/python -m tests.docs.cause_table

costs: $(VENV)/runtime ## print a saga's list price and how many are free (STEPS=4 CHAINING=inline)
	@$(BIN)/python -m benchmarks.costs --steps $(STEPS) $(if $(CHAINING),--chaining=$(CHAINING))

model: | $(VENV)/bin/python ## explore a model of the protocol and broken twins of it (needs spin and gcc)
	@exec $(BIN)/python -m model

model-long: | $(VENV)/bin/python ## explore larger configurations too (an hour, up to 16 GB)
	@exec $(BIN)/python -m model --long

bench: $(VENV)/runtime ## time one job on Amends, Restate, Celery and DBOS (installs them into .peers/)
	@$(BIN)/python -m benchmarks.peers

cold-start: $(VENV)/runtime ## measure the CPU time of a function's first response, and of an empty function's
	@$(BIN)/python -m benchmarks.cold_start

setup: $(VENV)/runtime ## dry run: set up a Google Cloud project; APPLY=1 runs it (PROJECT= REGION= SUBMITTERS=)
	@$(BIN)/python -m deploy setup $(if $(APPLY),,--dry-run)

alerts: $(VENV)/runtime ## dry run: create metrics and alerts; APPLY=1 runs it (PROJECT= CHANNELS=)
	@$(BIN)/python -m deploy alerts $(if $(APPLY),,--dry-run)

rollback: $(VENV)/runtime ## move all traffic back to the revisions before the last release (PROJECT= REGION=)
	@$(BIN)/python -m deploy rollback

release: $(VENV)/runtime ## move more traffic to a canary's revisions (PROJECT= REGION= PERCENT=100)
	@CANARY=$(or $(PERCENT),100) $(BIN)/python -m deploy promote

teardown: $(VENV)/runtime ## dry run: remove an environment, except its data; APPLY=1 runs it (PROJECT= REGION= PREFIX=)
	@$(BIN)/python -m deploy teardown $(if $(APPLY),,--dry-run)

play: $(VENV)/dev ## rehearse setup, builds and a rollback with the real gcloud on a fake project (minutes)
	@$(BIN)/python -m tests.deploy.play

lock: $(VENV)/dev ## pin every package with its hash: requirements*.txt to requirements*.lock
	@for each in requirements requirements-telemetry requirements-local requirements-dev requirements-browser; do \
	  $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
	    --no-header --output-file $$each.lock $$each.txt || exit 1; done

format: $(VENV)/dev ## format the code
	@$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

clean: ## remove everything that make created, local data included
	rm -rf .venv .venv-* .local .peers .node-client .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Amends needs Python 3.11 or later: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/runtime: requirements.lock requirements-local.lock | $(VENV)/bin/python
	@echo "installing the runtime packages (once) ..."
	@$(PIP) -r requirements.lock -r requirements-local.lock
	@touch $@

$(VENV)/dev: requirements-dev.lock $(VENV)/runtime
	@echo "installing the test packages (once) ..."
	@$(PIP) -r requirements-dev.lock
	@touch $@

$(VENV)/browser: requirements-browser.lock $(VENV)/dev
	@echo "installing the browser packages (once) ..."
	@$(PIP) -r requirements-browser.lock
	@touch $@
