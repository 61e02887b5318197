# Every target does its own set-up, into .venv; the second time it is quick. `make help` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup serve test prove vendors check style counts bench docs lock web doubles clean

VENV := .venv
PY := $(VENV)/bin/python
RUNTIME := $(VENV)/.stamp-runtime
DEV := $(VENV)/.stamp-dev
WEB := $(VENV)/.stamp-web
DOUBLES := $(VENV)/.stamp-doubles
DOCS := $(VENV)/docs
PIP := $(PY) -m pip --disable-pip-version-check --no-input
# How `serve` is called; a configuration file is found by --config, SUPPLYGRAPH_CONFIG, or supplygraph.toml here.
ARGS ?=
# How many processes the tests take.
JOBS ?= auto

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(DEV) $(WEB) $(DOUBLES) ## everything that the other targets need

serve: $(RUNTIME) $(WEB) ## the gateway; on the sandbox where nothing is configured (ARGS="--port 9000")
	@exec $(VENV)/bin/supplygraph serve $(ARGS)

test: $(DEV) $(WEB) $(DOUBLES) ## the whole suite
	@$(PY) -m pytest -q -n $(JOBS) --dist loadfile $(ARGS)

prove: $(DEV) $(WEB) $(DOUBLES) ## every proof with its whole budget, and a table (ARGS="--only simulation mutants")
	@$(PY) -m tests.prove $(ARGS)

vendors: $(DEV) ## what was proven of each vendor, against which double, and what a sweep costs
	@$(PY) -m tests.vendors.table

check: $(DEV) ## lint, formatting, types, import contracts, documents
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy
	@$(VENV)/bin/lint-imports
	@$(PY) -m pytest -q tests/docs

style: $(DEV) ## names, sizes and wording (ARGS="--totals", ARGS="db docs")
	@$(PY) -m tools.style $(ARGS)

counts: $(DEV) ## lines, modules, names, ways into /graphql and caches, in one table
	@$(PY) -m tools.counts

bench: $(DEV) ## supplygraph next to its peers, on the same rows and operations (ARGS="--quick")
	@$(PY) -m benchmarks.bench $(ARGS)

docs: $(DOCS)/.stamp ## the documentation site, in build/site
	@NO_MKDOCS_2_WARNING=1 $(DOCS)/bin/mkdocs build --strict --quiet
	@echo "Built build/site. To view it: python3 -m http.server -d build/site"

web: $(WEB) ## the browser pages
doubles: $(DOUBLES) ## the independent doubles from npm that some tests speak to

lock: ## write the hash-locked requirements again; versions stay unless they must change (needs uv)
	@for pair in runtime:build dev:build,dev docs:docs; do \
	  name=$${pair%%:*}; groups=$$(echo $${pair##*:} | sed 's/[^,]*/--group pyproject.toml:&/g; s/,/ /g'); \
	  project=pyproject.toml; if [ $$name = docs ]; then project=; fi; \
	  uv pip compile $$project $$groups -c requirements/forbidden.txt --generate-hashes --universal --python-version 3.11 \
	    --no-emit-index-url --no-emit-find-links --no-annotate --no-header --no-config -q -o requirements/$$name.txt || exit 1; done

clean: ## remove everything that was built
	@rm -rf $(VENV) supplygraph/web/assets web/node_modules tests/*/node_modules benchmarks/peers/node_modules docs-site/node_modules build

$(VENV)/pyvenv.cfg:
	@python=""; for one in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11; do \
	  if "$$one" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then python="$$one"; break; fi; done; \
	if [ -z "$$python" ]; then \
	  echo "supplygraph needs Python 3.11 or later; none was found. Install one, or name it: make PYTHON=/where/python3.12 ..." >&2; exit 2; fi; \
	echo "Making $(VENV) with $$("$$python" --version)"; \
	"$$python" -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "This Python cannot make virtual environments; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 2; }

$(RUNTIME): $(VENV)/pyvenv.cfg requirements/runtime.txt pyproject.toml
	@$(PY) -m pip --version >/dev/null 2>&1 || $(PY) -m ensurepip -q
	@echo "Installing what the gateway runs on"
	@$(PIP) install -qq --require-hashes -r requirements/runtime.txt
	@$(PIP) install -qq --no-deps --no-build-isolation -e .
	@touch $@

$(DEV): $(RUNTIME) requirements/dev.txt
	@echo "Installing what the tests need"
	@$(PIP) install -qq --require-hashes -r requirements/dev.txt
	@touch $@

# In an environment of its own, so that its pins and those of the tests are independent. Node and npm come from $(RUNTIME).
$(DOCS)/.stamp: $(RUNTIME) requirements/docs.txt docs-site/package-lock.json
	@echo "Installing what builds the documentation site"
	@$(PY) -m venv $(DOCS)
	@$(DOCS)/bin/python -m pip --disable-pip-version-check --no-input install -qq --require-hashes -r requirements/docs.txt
	@PATH="$(CURDIR)/$(VENV)/bin:$$PATH" npm ci --prefix docs-site --no-audit --no-fund --silent
	@touch $@

# The pages and the doubles come from npm. Without it everything else works, and what is missing says so: hence best effort.
$(WEB): $(RUNTIME) $(wildcard web/package-lock.json web/*.js web/src/* web/examples/*)
	@echo "Building the browser pages"
	@if $(PY) -m web.build; then touch $@; \
	  else echo "The browser pages were not built (is npm's registry reachable?); everything else works. Again: make web" >&2; fi

$(DOUBLES): $(RUNTIME) $(wildcard tests/*/package-lock.json)
	@echo "Fetching the doubles from npm"; \
	for lock in $(wildcard tests/*/package-lock.json); do \
	  PATH="$(CURDIR)/$(VENV)/bin:$$PATH" npm ci --prefix "$$(dirname "$$lock")" --no-audit --no-fund --silent || failed=1; done; \
	if [ -z "$$failed" ]; then touch $@; \
	  else echo "The doubles were not fetched (is npm's registry reachable?); their tests will say so and skip. Again: make doubles" >&2; fi
