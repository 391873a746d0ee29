# The face of the project: `make help` lists what there is.
# The first one that really runs: a version manager's command may exist and refuse to.
PYTHON ?= $(shell for python in python3.13 python3.12 python3.11 python3; do \
  $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && \
  { command -v $$python; break; }; done)
VENV := .venv
BIN := $(VENV)/bin

# Production settings that only look the part.
PRETENDED := DATA_DIR="$(CURDIR)/build/check" SITE_URL=https://ads.example.com DATABASE_URL= \
  SECRET_KEY=check-only-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFG \
  ENCRYPTION_KEYS=k1:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE= \
  META_APP_ID=1 META_APP_SECRET=check-only

# Short in the suite; `make campaign` plays many rounds of each.
LONG_ROUNDS := $(addprefix tests/approvals/services/test_,crash_points.py push_machine.py \
  faults_inside.py reconcile.py) tests/leadmetrics/test_processes.py tests/campaign/test_database_restart.py

.DEFAULT_GOAL := help
.PHONY: help run test check bench audit campaign screenshots clean locks

help: ## Show this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

run: $(VENV)/run.stamp ## Run everything: web, worker, stand-in Graph API (PORT, SANDBOX_PORT)
	@DJANGO_SETTINGS_MODULE=leadmetrics.settings exec $(BIN)/python manage.py up

test: $(VENV)/dev.stamp ## Run the suite (ARGS for pytest, DATABASE_URL for PostgreSQL)
	@$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadgroup --no-loadscope-reorder $(ARGS)

check: $(VENV)/dev.stamp ## Format, lint, types, import contracts, templates, deploy check
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy leadmetrics integrations approvals
	$(BIN)/lint-imports --no-logo
	$(BIN)/djlint --lint --quiet templates
	env $(PRETENDED) $(BIN)/python manage.py check --deploy --fail-level WARNING
	env DATA_DIR="$(CURDIR)/build/check" DATABASE_URL= $(BIN)/python manage.py makemigrations --check --dry-run

bench: $(VENV)/dev.stamp ## Measure, print a table, write build/bench.json
	@$(BIN)/python -m tests.bench

campaign: $(VENV)/dev.stamp ## Kill the product 1,500 times while it pushes 1,000 ads; many rounds of every fault
	@CRASH_ROUNDS=5 MACHINE_ROUNDS=200 $(BIN)/python -m pytest -q $(LONG_ROUNDS)
	@$(BIN)/python -m tests.campaign.campaign 1000 1500 900

audit: $(VENV)/dev.stamp ## Lighthouse on every page: 100 in all three, or it fails (needs node, npm)
	@$(BIN)/python -m tests.flows.audit

screenshots: $(VENV)/dev.stamp ## Draw every page at 1280 and 390 px into build/screenshots
	@$(BIN)/python -m tests.flows.screenshots

locks: ## Write the lock files anew (needs uv)
	uv pip compile -q --generate-hashes --no-emit-index-url --no-header --no-annotate \
	  --python-version 3.11 --extra redis -o requirements/run.txt pyproject.toml
	uv pip compile -q --generate-hashes --no-emit-index-url --no-header --no-annotate \
	  --python-version 3.11 --extra redis --extra dev -c requirements/run.txt -o requirements/dev.txt pyproject.toml

clean: ## Remove what can be made again; var/ with your data stays
	rm -rf $(VENV) build .mypy_cache .pytest_cache .ruff_cache .hypothesis

# A stamp per lock file: nothing is installed again while the lock stays the same.
$(VENV)/run.stamp: requirements/run.txt | $(BIN)/python
	@echo "Installing the locked packages …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

$(VENV)/dev.stamp: requirements/dev.txt | $(BIN)/python
	@echo "Installing the locked packages for tests …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@ $(VENV)/run.stamp

$(BIN)/python:
	@if [ -z "$(PYTHON)" ] || ! "$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then \
	  echo "Leadmetrics needs Python 3.11 or newer; set PYTHON=/path/to/python3.11." >&2; exit 1; fi
	@"$(PYTHON)" -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "Python's venv module is missing; on Debian: apt install python3-venv" >&2; exit 1; }
