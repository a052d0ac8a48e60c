# Everything happens in .venv and .meltano, inside the checkout. A stamp in each says
# that it was set up to its end; whatever was interrupted is made anew.

# The first Python that is new enough. PYTHON=... takes another.
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

# uv does not compile by itself; a tap that is compiled starts in half the time.
export UV_COMPILE_BYTECODE := 1

.DEFAULT_GOAL := help
.PHONY: help demo workspaces-demo test test-orchestration test-slow test-lowest test-next mutants bench bench-states lint format documents targets build plugins dbt clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-18s %s\n", $$1, $$2}' Makefile

demo: $(PLUGINS) $(DBT) ## Load made-up candidates into a PostgreSQL of its own, twice, and report
	@$(BIN)/python -m tools.demo

workspaces-demo: $(PLUGINS) $(DAGSTER) ## Load three made-up workspaces by Dagster, twice
	@.venv-dagster/bin/python -m tools.demo.workspaces

test: $(PLUGINS) $(DBT) ## Run the tests, the ones against PostgreSQL too; ARGS='-k sweep' for some
	$(BIN)/pytest --numprocesses logical --dist worksteal -m 'not slow and not orchestration' $(ARGS)

test-slow: $(PLUGINS) $(DBT) ## Run what takes longer: soaks, real pauses, more random histories
	$(BIN)/pytest --numprocesses logical --dist worksteal -m slow $(ARGS)

test-lowest: $(LOWEST) ## Run the tests on the lowest versions of the dependencies
	.venv-lowest/bin/pytest --numprocesses logical --dist worksteal -m 'not slow and not orchestration' --ignore tests/pipeline --ignore analytics/tests $(ARGS)

test-next: $(NEXT) ## Run the tests on the pre-releases of the SDK
	.venv-next/bin/pytest --numprocesses logical --dist worksteal -m 'not slow and not orchestration' --ignore tests/pipeline --ignore analytics/tests $(ARGS)

test-orchestration: $(PLUGINS) $(DAGSTER) $(AIRFLOW) ## Run the tests of many workspaces, on Dagster and Airflow
	.venv-dagster/bin/pytest --numprocesses logical --dist worksteal -m orchestration orchestration/tests $(ARGS)

mutants: $(MUTANTS) ## Change api/ and sync/ bit by bit; ARGS='tap_toggl_hire.api.*' for some
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

format: $(VENV) ## Format, and mend what can be mended
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

targets: $(PLUGINS) ## Try the tap with the targets of docs/targets.md; ARGS=--write
	$(BIN)/python -m tools.targets $(ARGS)

documents: $(VENV) ## Write the tables and definitions that come from the code
	$(BIN)/python -m tests.documents

build: $(VENV) ## Build the wheel and the source distribution into dist/
	rm -rf dist
	$(UV) build

plugins: $(PLUGINS) ## Install the tap and the targets of meltano.yml

dbt: $(DBT) ## Install dbt and the report of meltano.yml

clean: ## Remove what these commands made, the state in .meltano too
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

# An engine has an environment of its own; Meltano and the plugins stay where they are.
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

# dbt 1.11 does not know Python 3.14 yet.
$(DBT): $(PLUGINS)
	-$(BIN)/meltano --log-level=warning install dbt-postgres dbt-duckdb report
	@touch $@
