# Everything is installed into .venv* and .meltano, inside the checkout. A stamp file in
# each says that its set-up was completed; an interrupted set-up starts again.

# The first Python that is new enough; PYTHON=... overrides it.
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo $$python && break; done)
BIN := .venv/bin
UV := $(BIN)/uv --quiet
INSTALL := $(BIN)/meltano --log-level=warning install
PYTEST := pytest --numprocesses logical --dist worksteal

# The tap and its tools; Meltano beside them; plugins of meltano.yml; other products.
VENV := .venv/.ready
MELTANO := .venv/.meltano-ready
PLUGINS := .meltano/.ready
DUCKDB := .meltano/.duckdb-ready
DBT := .meltano/.dbt-ready
ANALYTICS := .venv-analytics/.ready
DAGSTER := .venv-dagster/.ready
AIRFLOW := .venv-airflow/.ready
DBT_NEXT := .venv-dbt-next/.ready
SNOWFLAKE := .venv-snowflake/.ready
BIGQUERY := .venv-bigquery/.ready
LOWEST := .venv-lowest/.ready
NEXT := .venv-next/.ready
MUTANTS := .venv-mutants/.ready
MUTMUT := .venv-mutants/bin/mutmut

# uv does not compile by default; compiled bytecode halves the start-up of the tap.
export UV_COMPILE_BYTECODE := 1

.DEFAULT_GOAL := help
.PHONY: help demo check test format documents picture test-analytics test-dbt-next test-snowflake test-bigquery test-orchestration test-slow test-lowest test-next workspaces-demo sandbox mutants bench lint targets build plugins dbt clean

help: ## Show this list, the commands for every day first
	@awk -F ':.*## ' '/^[a-z-]+:.*## / && $$1 != "help" { \
		if (n++ == 5) print ""; printf "make %-18s %s\n", $$1, $$2 }' Makefile

demo: $(PLUGINS) $(DBT) ## Load invented candidates into a temporary PostgreSQL, and render the report
	@$(BIN)/python -m tools.demo

check: lint ## Check style and types, and run the unit tests and those of the documents
	$(BIN)/$(PYTEST) tests/unit tests/documents -m 'not slow' $(ARGS)

test: $(PLUGINS) ## Run the tests of the tap, including pipelines; ARGS='-k state' selects some
	$(BIN)/$(PYTEST) tests -m 'not slow' $(ARGS)

format: $(VENV) ## Format the code, and apply automatic fixes
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

documents: $(VENV) ## Generate the tables and definitions that come from the code
	$(BIN)/python -m tools.documents

picture: $(PLUGINS) $(DBT) ## Take the screenshot of docs/report.md; needs Chromium
	$(BIN)/python -m tools.demo --today 2026-06-05T16:00
	chromium --headless --no-sandbox --hide-scrollbars --window-size=1280,1960 --screenshot=docs/report.png report.html 2>/dev/null

test-analytics: $(ANALYTICS) ## Run the tests of the dbt models and the report
	.venv-analytics/bin/$(PYTEST) analytics/tests $(ARGS)

test-dbt-next: $(ANALYTICS) $(DBT_NEXT) ## Run the tests of the dbt models with the newest dbt and DuckDB
	DBT_VENV=$(CURDIR)/.venv-dbt-next .venv-analytics/bin/$(PYTEST) analytics/tests/dbt $(ARGS)

test-snowflake: $(SNOWFLAKE) ## Run the tests of the dbt models on fakesnow, a Snowflake on this machine
	WAREHOUSES=snowflake .venv-snowflake/bin/$(PYTEST) analytics/tests/dbt --dist loadfile $(ARGS)

test-bigquery: $(BIGQUERY) ## Compile the dbt models for BigQuery, and run them on DuckDB
	WAREHOUSES=bigquery .venv-bigquery/bin/$(PYTEST) analytics/tests/dbt --dist loadfile $(ARGS)

test-orchestration: $(PLUGINS) $(DAGSTER) $(AIRFLOW) ## Run the tests of orchestration/, with Dagster and Airflow
	.venv-dagster/bin/$(PYTEST) orchestration/tests $(ARGS)

test-slow: $(DUCKDB) $(DBT) ## Run slow tests: soaks, real pauses, more random histories, DuckDB
	$(BIN)/$(PYTEST) tests -m slow $(ARGS)

test-lowest: $(LOWEST) ## Run the tests with the lowest versions of the dependencies
	.venv-lowest/bin/$(PYTEST) tests -m 'not slow' --ignore tests/pipeline $(ARGS)

test-next: $(NEXT) ## Run the tests with pre-releases of the SDK
	.venv-next/bin/$(PYTEST) tests -m 'not slow' --ignore tests/pipeline $(ARGS)

workspaces-demo: $(PLUGINS) $(DAGSTER) ## Load three invented workspaces with Dagster, twice
	@.venv-dagster/bin/python -m tools.demo.workspaces

sandbox: $(VENV) ## Serve an invented workspace; ARGS='--candidates 1000 --version v2.2' or '--shape FILE'
	@$(BIN)/python -m sandbox $(ARGS)

mutants: $(MUTANTS) ## Run mutation tests of most modules; ARGS='tap_toggl_hire.api.*' selects some
	$(MUTMUT) run $(ARGS)
	@$(MUTMUT) results | grep -v 'not checked' || true
	@$(MUTMUT) results --all true | sed -n 's/^ *tap_toggl_hire\.\(.*\)\.x[^.]*: /\1 /p' | sort | uniq -c

bench: $(VENV) ## Measure the tap against the sandbox
	$(BIN)/python -m tools.bench $(ARGS)

lint: $(VENV) ## Check style, formatting, types, imports, spelling and workflows
	$(BIN)/ruff check --quiet
	$(BIN)/ruff format --check --quiet
	$(BIN)/mypy
	@found=$$($(BIN)/lint-imports --no-cache 2>&1) || { echo "$$found"; exit 1; }
	@found=$$($(BIN)/deptry tap_toggl_hire 2>&1) || { echo "$$found"; exit 1; }
	$(BIN)/codespell
	$(BIN)/zizmor --offline --pedantic --quiet .github examples/github-*.yml

targets: $(DUCKDB) ## Try the tap with the targets of docs/targets.md; ARGS=--write
	$(BIN)/python -m tools.targets $(ARGS)

build: $(VENV) ## Build the wheel and the source distribution into dist/
	rm -rf dist
	$(UV) build

plugins: $(PLUGINS) ## Install the tap and the targets of meltano.yml

dbt: $(DBT) ## Install dbt and the report of meltano.yml

clean: ## Remove everything these commands and those of docs/ created, including the state in .meltano
	rm -rf .venv .venv-* .meltano .targets .airflow .dagster dist output mutants report.html
	rm -rf .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV): pyproject.toml
	@test -n "$(PYTHON)" || { echo 'Python 3.11 or later is needed.' >&2; exit 1; }
	$(PYTHON) -m venv --clear .venv
	$(BIN)/pip install --quiet --disable-pip-version-check uv
	$(UV) pip install --python .venv --editable . --group dev
	@touch $@

$(MELTANO): $(VENV)
	$(UV) pip install --python .venv --group pipeline
	@touch $@

$(PLUGINS): $(MELTANO) meltano.yml
	$(INSTALL) tap-toggl-hire target-postgres target-jsonl
	@touch $@

# The DuckDB that target-duckdb needs has no wheel for Python 3.14.
$(DUCKDB): $(PLUGINS)
	$(UV) pip install --python .venv --group duckdb
	-$(INSTALL) target-duckdb
	@touch $@

# dbt 1.11 does not support Python 3.14 yet.
$(DBT): $(PLUGINS) analytics/report/pyproject.toml
	-$(INSTALL) dbt-postgres report
	@touch $@

$(ANALYTICS): $(DUCKDB) $(DBT)
	$(UV) venv --clear --python $(BIN)/python .venv-analytics
	$(UV) pip install --python .venv-analytics --editable . --group analytics \
		--editable './analytics/report[duckdb,postgres]'
	-$(INSTALL) dbt-duckdb
	@touch $@

$(DBT_NEXT): $(VENV)
	$(UV) venv --clear --python $(BIN)/python .venv-dbt-next
	$(UV) pip install --python .venv-dbt-next --group dbt-next
	@touch $@

$(SNOWFLAKE): $(VENV)
	$(UV) venv --clear --python $(BIN)/python .venv-snowflake
	$(UV) pip install --python .venv-snowflake --editable . --group snowflake
	@touch $@

$(BIGQUERY): $(VENV)
	$(UV) venv --clear --python $(BIN)/python .venv-bigquery
	$(UV) pip install --python .venv-bigquery --editable . --group bigquery
	@touch $@

# Each orchestrator has an environment of its own; Meltano and its plugins do not move.
$(DAGSTER): $(VENV)
	$(UV) venv --clear --python $(BIN)/python .venv-dagster
	$(UV) pip install --python .venv-dagster --editable . --group dagster
	@touch $@

$(AIRFLOW): $(VENV)
	$(UV) venv --clear --python $(BIN)/python .venv-airflow
	$(UV) pip install --python .venv-airflow --group airflow
	@touch $@

$(LOWEST): $(VENV)
	$(UV) venv --clear --python $(BIN)/python .venv-lowest
	$(UV) pip install --python .venv-lowest --resolution lowest-direct --editable .
	$(UV) pip install --python .venv-lowest --group test
	@touch $@

$(NEXT): $(VENV)
	$(UV) venv --clear --python $(BIN)/python .venv-next
	$(UV) pip install --python .venv-next --editable . --group test
	$(UV) pip install --python .venv-next --prerelease allow --upgrade 'singer-sdk[msgspec]'
	@touch $@

$(MUTANTS): $(VENV)
	$(UV) venv --clear --python $(BIN)/python .venv-mutants
	$(UV) pip install --python .venv-mutants --editable . --group mutants
	@touch $@
