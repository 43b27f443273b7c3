# `make help` lists the commands. Nothing but Python >= 3.11 is needed: .venv is built from the
# hashed lock with pip, or with uv where it is installed.
.DEFAULT_GOAL := help
.PHONY: help venv demo serve doctor test check audit eval bench soak screenshots format lock demo-documents clean

PYTHON ?= python3
BIN := .venv/bin
UV := $(shell command -v uv 2>/dev/null)
ARGS ?=
# Tests wait for servers and browsers a third of their time, so more files are in work than there
# are cores.
WORKERS ?= $(shell $(PYTHON) -c "import os; print((os.cpu_count() or 1) + 2)")

help: ## this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 18

demo: .venv/local ## read two real documents and answer five questions about them; serves until Ctrl-C (ARGS=--exit: ends)
	@$(BIN)/aiconvokit demo $(ARGS)

serve: .venv/local ## the API on http://127.0.0.1:8000 (ARGS="--port 9000")
	@$(BIN)/aiconvokit serve $(ARGS)

doctor: .venv/local ## look at everything, and say what to do; see docs/doctor.md (ARGS=--json)
	@$(BIN)/aiconvokit doctor $(ARGS)

test: .venv/dev ## all tests, two files more at a time than there are cores (ARGS="-k name")
	$(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

check: .venv/dev ## linters, types, order of imports, licences, freshness of the lock and of generated docs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python requirements/check_lock.py
	$(BIN)/python requirements/check_licences.py
	$(BIN)/python docs/openai_table.py
	$(BIN)/python docs/settings_table.py

audit: ## are vulnerabilities known in what is locked? asks the network, so CI does not
	@$(PYTHON) requirements/audit.py

format: .venv/dev ## format the code, and make the generated docs anew
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/python docs/openai_table.py --write
	$(BIN)/python requirements/check_licences.py --write
	$(BIN)/python docs/settings_table.py --write

eval: .venv/local ## measure search on question sets (DATA=folder, ARGS="--answers --out run.json"); see docs/evaluation.md
	@test -n "$(DATA)" || { echo "Which sets? make eval DATA=folder" >&2; exit 2; }
	@$(BIN)/aiconvokit eval $(DATA) $(ARGS)

bench: .venv/dev ## measure what a turn costs (ARGS=--quick: to try it); see docs/benchmarks.md
	@$(BIN)/python -m benchmarks.turns $(ARGS)

soak: .venv/dev ## kill server, worker and Postgres while users work, and look for what is lost (ARGS="--seconds 60 --seed 7")
	@$(BIN)/python -m benchmarks.soak.storm $(ARGS)

screenshots: .venv/dev ## the pictures of README.md (ARGS=folder: of every view, light and dark, desktop and phone)
	@$(BIN)/python -m benchmarks.web.screenshots $(ARGS)

lock: .venv/dev ## renew requirements/*.txt from pyproject.toml
	$(BIN)/python requirements/check_lock.py --write

demo-documents: .venv/dev ## render the demo's PDFs again
	$(BIN)/python -m aiconvokit.demo.render

venv: .venv/local ## build .venv

clean: ## remove .venv and caches
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

# One virtual environment for both: the stamp says which lock it holds; dev contains local.
.venv/local: requirements/local.txt pyproject.toml
	@if [ -e .venv/dev ]; then $(MAKE) --no-print-directory .venv/dev; else $(call install,local); fi
	@touch $@

.venv/dev: requirements/dev.txt pyproject.toml
	@$(call install,dev)
	@touch $@

define install
set -e; \
$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
  || { echo "Python 3.11 or newer is needed; say which one: make PYTHON=python3.12" >&2; exit 1; }; \
echo "Building .venv (once)…"; \
if [ -n "$(UV)" ]; then \
  [ -x $(BIN)/python ] || $(UV) venv -q --python $(PYTHON) .venv; \
  $(UV) pip install -q --python $(BIN)/python --require-hashes -r requirements/$(1).txt; \
  $(UV) pip install -q --python $(BIN)/python --no-deps --no-build-isolation -e .; \
else \
  [ -x $(BIN)/python ] || $(PYTHON) -m venv .venv \
    || { echo "This Python has no venv module; on Debian: apt-get install python3-venv" >&2; exit 1; }; \
  $(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/$(1).txt; \
  $(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .; \
fi
endef
