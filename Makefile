# Everything a person or a CI runs, from a fresh clone with Python, Node and make.

BIN := .venv/bin
PYTHON := $(BIN)/python
# Nothing but the registries is downloaded from: uv uses the interpreter it is given.
export UV_PYTHON_DOWNLOADS := never

.DEFAULT_GOAL := help
.PHONY: help ready run story reset test nightly check bench pictures browser

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

run: ready ## start everything on this machine; Ctrl-C stops it, the next run finds its data
	@exec $(PYTHON) -m gateway.cli up

story: ready ## tell the life of one payment, on the running system or a new one
	@exec $(PYTHON) -m gateway.cli story

reset: ready ## forget all local data (.mizan)
	@exec $(PYTHON) -m gateway.local.reset

test: check browser ## run the checks and every test
	npm --prefix contracts test
	$(PYTHON) -m pytest -n 2 -m "not serial"
	$(PYTHON) -m pytest -m serial

nightly: ready ## run two thousand worlds of the simulator, and five hundred payouts among faults
	MIZAN_WORLDS=2000 MIZAN_ANVIL_WORLDS=100 MIZAN_PLANTED_WORLDS=100 $(PYTHON) -m pytest -n 2 tests/sim
	MIZAN_FAULT_WITHDRAWALS=500 $(PYTHON) -m pytest -rP tests/whole/test_payout_faults.py

check: ready ## run the linters and type checkers
	$(BIN)/uv lock --check
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy && $(BIN)/mypy client/generate.py client/quickstart.py
	$(BIN)/lint-imports
	$(BIN)/deptry .
	$(BIN)/pre-commit validate-config
	npm --prefix contracts run fmt:check
	npm --prefix contracts run check-abi

bench: ready ## measure, and print one table
	@exec $(PYTHON) -m bench

ready: .venv/synced contracts/node_modules/installed ## install what is missing

.venv/bin/uv:
	@for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	    if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	        $$python -m venv .venv || { echo "install python3-venv, then try again"; exit 1; }; \
	        exec $(PYTHON) -m pip install --quiet --disable-pip-version-check uv; \
	    fi; \
	done; \
	echo "Python 3.11 or newer is needed; found: $$(python3 --version 2>&1)"; exit 1

.venv/synced: pyproject.toml uv.lock | .venv/bin/uv
	$(BIN)/uv sync --inexact --locked --compile-bytecode
	@touch $@

contracts/node_modules/installed: contracts/package.json contracts/package-lock.json
	@node -e 'process.exit(process.versions.node.split(".")[0] < 20 ? 1 : 0)' \
	    || { echo "Node 20 or newer is needed; found: $$(node --version 2>&1)"; exit 1; }
	npm --prefix contracts ci --no-audit --no-fund
	@touch $@

pictures: browser ## take the pictures of the README anew
	@exec $(PYTHON) -m bench.pictures

# The browser of the page tests: the machine's, else Debian's, else Playwright's own. Without the
# windows that nobody sees a page opens in less than half the time.
browser: ready
	@for name in chromium-headless-shell chromium chromium-browser google-chrome; do \
	    command -v $$name >/dev/null && exit 0; \
	done; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    apt-get update -qq && \
	    for name in chromium-headless-shell chromium; do \
	        DEBIAN_FRONTEND=noninteractive \
	            apt-get install -y -qq --no-install-recommends $$name && exit 0; \
	    done; exit 1; \
	else \
	    $(BIN)/playwright install chromium; \
	fi
