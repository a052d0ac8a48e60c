# Everything is installed into .venv and .meltano, inside the checkout. A stamp file in
# each says that its set-up was completed; an interrupted set-up starts again.

# The first Python that is new enough; PYTHON=... overrides it.
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo $$python && break; done)
BIN := .venv/bin
UV := $(BIN)/uv --quiet
VENV := .venv/.ready
LOWEST := .venv-lowest/.ready
NEXT := .venv-next/.ready
DAGSTER := .venv-dagster/.ready
AIRFLOW := .venv-airflow/.ready
MUTANTS := .venv-mutants/.ready
PLUGINS := .meltano/.ready
DBT := .meltano/.dbt-ready
MUTMUT := .venv-mutants/bin/mutmut

# uv does not compile by default; compiled bytecode halves the start-up of the tap.
export UV_COMPILE_BYTECODE := 1

.DEFAULT_GOAL := help
.PHONY: help demo workspaces-demo test test-orchestration test-slow test-lowest test-next mutants bench bench-states lint format documents targets build plugins dbt clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-18s %s\n", $$1, $$2}' Makefile

demo: $(PLUGINS) $(DBT) ## Load invented candidates into a temporary PostgreSQL, twice, and render the report
	@$(BIN)/python -m tools.demo

workspaces-demo: $(PLUGINS) $(DAGSTER) ## Load three invented workspaces with Dagster, twice
	@.venv-dagster/bin/python -m tools.demo.workspaces

test: $(PLUGINS) $(DBT) ## Run the tests, including those with PostgreSQL; ARGS='-k sweep' selects some
	$(BIN)/pytest --numprocesses logical --dist worksteal -m 'not slow and not orchestration' $(ARGS)

test-slow: $(PLUGINS) $(DBT) ## Run slow tests: soaks, real pauses, more random histories
	$(BIN)/pytest --numprocesses logical --dist worksteal -m slow $(ARGS)

test-lowest: $(LOWEST) ## Run the tests with the lowest versions of the dependencies
	.venv-lowest/bin/pytest --numprocesses logical --dist worksteal -m 'not slow and not orchestration' --ignore tests/pipeline --ignore analytics/tests $(ARGS)

test-next: $(NEXT) ## Run the tests with pre-releases of the SDK
	.venv-next/bin/pytest --numprocesses logical --dist worksteal -m 'not slow and not orchestration' --ignore tests/pipeline --ignore analytics/tests $(ARGS)

test-orchestration: $(PLUGINS) $(DAGSTER) $(AIRFLOW) ## Run the tests of orchestration/, with Dagster and Airflow
	.venv-dagster/bin/pytest --numprocesses logical --dist worksteal -m orchestration orchestration/tests $(ARGS)

mutants: $(MUTANTS) ## Run mutation tests of api/ and sync/; ARGS='tap_toggl_hire.api.*' selects some
	$(MUTMUT) run $(ARGS)
	@! $(MUTMUT) results | grep -v 'not checked'

bench: $(PLUGINS) ## Measure the tap and the pipeline against the sandbox
	$(BIN)/python -m tools.bench $(ARGS)

bench-states: $(PLUGINS) ## Measure what Meltano does with large states
	$(UV) pip install --python .venv --group states
	$(BIN)/python -m tools.bench.states $(ARGS)

lint: $(VENV) ## Check style, formatting, types and workflows
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/zizmor --offline --pedantic --quiet .github examples/github-actions.yml

format: $(VENV) ## Format the code, and apply automatic fixes
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

targets: $(PLUGINS) ## Try the tap with the targets of docs/targets.md; ARGS=--write
	$(BIN)/python -m tools.targets $(ARGS)

documents: $(VENV) ## Generate the tables and definitions that come from the code
	$(BIN)/python -m tests.documents

build: $(VENV) ## Build the wheel and the source distribution into dist/
	rm -rf dist
	$(UV) build

plugins: $(PLUGINS) ## Install the tap and the targets of meltano.yml

dbt: $(DBT) ## Install dbt and the report of meltano.yml

clean: ## Remove everything these commands created, including the state in .meltano
	rm -rf .venv .venv-* .meltano .targets dist output mutants report.html
	rm -rf .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV): pyproject.toml analytics/report/pyproject.toml
	@test -n "$(PYTHON)" || { echo 'Python 3.11 or later is needed.' >&2; exit 1; }
	$(PYTHON) -m venv --clear .venv
	$(BIN)/pip install --quiet --disable-pip-version-check uv
	$(UV) pip install --python .venv --editable . --editable './analytics/report[duckdb,postgres]' --group dev
	@touch $@

$(LOWEST): $(VENV)
	$(BIN)/python -m venv --clear .venv-lowest
	$(UV) pip install --python .venv-lowest --resolution lowest-direct --editable .
	$(UV) pip install --python .venv-lowest --group test
	@touch $@

$(NEXT): $(VENV)
	$(BIN)/python -m venv --clear .venv-next
	$(UV) pip install --python .venv-next --editable . --group test
	$(UV) pip install --python .venv-next --prerelease allow --upgrade 'singer-sdk[msgspec]'
	@touch $@

# Each orchestrator has an environment of its own; Meltano and its plugins do not move.
$(DAGSTER): $(VENV)
	$(BIN)/python -m venv --clear .venv-dagster
	$(UV) pip install --python .venv-dagster --editable . --group test --group dagster
	@touch $@

$(MUTANTS): $(VENV)
	$(BIN)/python -m venv --clear .venv-mutants
	$(UV) pip install --python .venv-mutants --editable . --group mutants
	@touch $@

$(AIRFLOW): $(VENV)
	$(BIN)/python -m venv --clear .venv-airflow
	$(UV) pip install --python .venv-airflow --group airflow
	@touch $@

# The DuckDB that target-duckdb needs has no wheel for Python 3.14.
$(PLUGINS): $(VENV) meltano.yml
	$(BIN)/meltano --log-level=warning install tap-toggl-hire target-postgres target-jsonl
	-$(BIN)/meltano --log-level=warning install target-duckdb
	@touch $@

# dbt 1.11 does not support Python 3.14 yet.
$(DBT): $(PLUGINS)
	-$(BIN)/meltano --log-level=warning install dbt-postgres dbt-duckdb report
	@touch $@
