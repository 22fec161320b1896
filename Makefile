# Every target installs what it needs first, into .venv/, and does nothing where nothing changed.
PYTHON ?= python3
BIN := .venv/bin
SEEDS ?= 200
FROM ?= 0
MOMENTS ?= 200
PROCESSES ?= 3
PACKAGES := alerts app cli db exchanges flows history market replay research settings streaming tasks trading

.DEFAULT_GOAL := help
.PHONY: help install demo up test test-browser check fmt simulate simulate-sockets chaos parity bench picture lock clean

help: ## Show this.
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 18

install: .venv/installed ## Make the environment in .venv/, so that .venv/bin/tcpdash works.

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
		|| { echo "Python 3.11, 3.12 or 3.13 is needed, $$($(PYTHON) --version) was found; name another one: make PYTHON=python3.12 …"; exit 1; }
	$(PYTHON) -m venv .venv

.venv/installed: requirements.lock pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation \
		--config-settings editable_mode=compat --editable .
	@touch $@

.venv/developing: requirements-dev.lock .venv/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements-dev.lock
	@touch $@

demo: .venv/installed ## Run everything on an invented market; no account, key or network.
	@$(BIN)/tcpdash demo

up: .venv/installed ## Run everything on the venue and symbols of config/tcpdash.toml.
	@$(BIN)/tcpdash up

# A TimescaleDB for the tests; where there is no npm, those that need it are skipped and say so.
tests/timescale/node_modules/installed: tests/timescale/package-lock.json tests/timescale/package.json tests/timescale/.npmrc
	npm ci --prefix tests/timescale --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

# axe-core, which finds in pages what cannot be read or reached; likewise.
tests/browser/node_modules/installed: tests/browser/package-lock.json tests/browser/package.json tests/browser/.npmrc
	npm ci --prefix tests/browser --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

test: .venv/developing $(if $(shell command -v npm),tests/timescale/node_modules/installed tests/browser/node_modules/installed) ## Run all tests, with real embedded servers; ARGS are pytest's.
	$(BIN)/python -m pytest --numprocesses $(PROCESSES) --durations 15 $(ARGS)

test-browser: .venv/developing $(if $(shell command -v npm),tests/browser/node_modules/installed) ## Run the browser tests alone (need Chromium); the end names the folder of their pictures.
	$(BIN)/python -m pytest -m browser -n 0 $(ARGS)

check: .venv/developing ## Check format, lint, types and import contracts.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fmt: .venv/developing ## Format the code.
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

simulate: .venv/developing ## Run SEEDS seeds of the simulation from seed FROM on.
	$(BIN)/python -m simulation --seeds $(SEEDS) --from $(FROM) $(if $(WITHOUT),--without $(WITHOUT)) $(if $(VERBOSE),--verbose)

simulate-sockets: SEEDS = 20
simulate-sockets: .venv/developing ## Run SEEDS seeds from FROM on through real sockets and servers; 20 take a minute.
	$(BIN)/python -m simulation --sockets --seeds $(SEEDS) --from $(FROM) $(if $(WITHOUT),--without $(WITHOUT)) $(if $(VERBOSE),--verbose)

chaos: .venv/developing ## Kill the system's processes in pairs at MOMENTS moments, and check what bots did; 200 take 20 minutes.
	$(BIN)/python -m simulation.chaos --moments $(MOMENTS) $(if $(SEED),--seed $(SEED))

parity: .venv/developing ## Hold bots on the live path equal to backtests, on three tapes or TAPE=FILE,… (a blank between tapes); SEED=N.
	$(BIN)/python -m parity $(foreach tape,$(TAPE),--tape $(tape)) $(if $(SEED),--seed $(SEED)) $(if $(SPEED),--speed $(SPEED))

bench: .venv/developing ## Measure speed, as ratios in one run.
	$(BIN)/python -m bench

picture: .venv/developing ## Make the pictures of the documentation anew (needs Chromium).
	TCPDASH_TEST_PICTURES=docs/images $(BIN)/python -m pytest -n 0 tests/app/test_browser_flows.py

lock: ## Pin the newest versions that pyproject.toml allows (needs uv).
	uv pip compile pyproject.toml --group build --universal --generate-hashes --no-header --no-annotate -o requirements.lock
	uv pip compile pyproject.toml --group build --group dev -c requirements.lock \
		--universal --generate-hashes --no-header --no-annotate -o requirements-dev.lock

clean: ## Remove the environment and all caches; data in .tcpdash/ stays.
	rm -rf .venv tests/timescale/node_modules tests/browser/node_modules build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .grimp_cache .hypothesis
	find $(PACKAGES) tests bench parity simulation -name __pycache__ -type d -prune -exec rm -rf {} +
