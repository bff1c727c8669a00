# Everything that a clone needs; `make` alone lists it.
# Versions come from requirements.lock, the tools' settings from pyproject.toml.

SHELL  := /bin/bash
VENV   := .venv
BIN    := $(VENV)/bin
PYTHON ?=

PYTEST_ARGS ?= -n 3 --dist loadfile --no-loadscope-reorder
BENCH_ARGS  ?=
LOCK_ARGS   ?=
CRASH_ARGS  ?=

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_NO_INPUT := 1

# Prints the first Python that is new enough and can make a venv, or says what is missing.
define find_python
find_python() { \
	for python in $(or $(PYTHON),python3.13 python3.12 python3.11 python3); do \
		if "$$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then \
			echo "$$python"; \
			return; \
		fi; \
	done; \
	echo "Countersign needs Python 3.11 or newer with its venv module, and found none ($(or $(PYTHON),python3.13, python3.12, python3.11, python3))." >&2; \
	echo "Install one (on Debian and Ubuntu: apt install python3 python3-venv), or name it: make $(or $(MAKECMDGOALS),setup) PYTHON=/path/to/python3" >&2; \
	return 1; \
}
endef

.DEFAULT_GOAL := help
.PHONY: help setup demo test crash lint format screenshots lock clean

help:  ## list these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

setup: $(VENV)/.ready  ## make .venv from requirements.lock and install the project into it

$(VENV)/.locked: requirements.lock
	@$(find_python); \
	python=$$(find_python) || exit 1; \
	echo "== setup: $$("$$python" --version), packages of requirements.lock"; \
	"$$python" -m venv --clear $(VENV) \
		&& $(BIN)/python -m pip install --quiet --require-hashes --requirement requirements.lock \
		&& touch $@

$(VENV)/.ready: $(VENV)/.locked pyproject.toml
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@
	@echo "== setup: ready in $(VENV)"

demo: setup  ## start the bot with a local Slack, and print the address of its page
	@$(BIN)/python -m bot demo

test: setup  ## style, types, layers, the whole suite, and full branch coverage of bot/approvals
	@failed=(); \
	step() { \
		printf '\n== %s\n' "$$1"; \
		"$${@:2}" || { failed+=("$$1"); printf -- '-- failed: %s\n' "$$1"; }; \
	}; \
	step 'lint'     $(BIN)/ruff check .; \
	step 'format'   $(BIN)/ruff format --check .; \
	step 'types'    $(BIN)/mypy; \
	step 'layers'   $(BIN)/lint-imports --no-logo; \
	tools/redis-server.sh $(BIN)/python; \
	step 'tests'    $(BIN)/pytest --cov --cov-report=term $(PYTEST_ARGS); \
	step 'coverage' $(BIN)/coverage report --include='bot/approvals/*' --fail-under=100; \
	printf '\n'; \
	if (( $${#failed[@]} )); then echo "== FAILED: $${failed[*]}"; exit 1; fi; \
	echo '== all passed: lint, format, types, layers, tests, coverage'

crash: setup  ## kill replicas at every point under load, for many minutes, and print a table (CRASH_ARGS=--help)
	@$(BIN)/python -m tests.crash $(CRASH_ARGS)

bench: setup  ## measure beside bare LangGraph and a naive bot (BENCH_ARGS=--quick: small sizes)
	@tools/redis-server.sh $(BIN)/python
	@$(BIN)/python -m benchmarks $(BENCH_ARGS)

lint: setup  ## the checks of `make test` that need no tests
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

format: setup  ## sort imports, mend what can be mended, lay out the code
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

screenshots: setup  ## take the README's pictures anew (needs Chromium)
	@$(BIN)/python -m tools.screenshots

lock:  ## renew requirements.lock from pyproject.toml (LOCK_ARGS=--upgrade: newest versions)
	@$(find_python); \
	python=$$(find_python) || exit 1; \
	tools=$$(mktemp -d) || exit 1; \
	trap 'rm -rf "$$tools"' EXIT; \
	"$$python" -m venv "$$tools" \
		&& "$$tools/bin/python" -m pip install --quiet uv \
		&& env -u UV_FIND_LINKS -u UV_INDEX -u UV_EXTRA_INDEX_URL \
			"$$tools/bin/uv" --no-config --quiet pip compile --universal --python-version 3.11 --extra dev \
			--generate-hashes --no-strip-extras --no-annotate --no-emit-index-url --no-emit-find-links \
			--custom-compile-command 'make lock' $(LOCK_ARGS) --output-file requirements.lock pyproject.toml \
		&& grep -c -- '--hash=' requirements.lock | sed 's/^/requirements.lock: hashes: /'

clean:  ## remove what these commands made (not var/, which holds records)
	rm -rf $(VENV) node_modules .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage .coverage.* htmlcov dist
	find bot graphs simulator tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
