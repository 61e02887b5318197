# Every target does its own set-up in .venv. `make help` lists the targets.
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
# The arguments of the command. `serve` finds its configuration file by --config, SUPPLYGRAPH_CONFIG, or as supplygraph.toml here.
ARGS ?=
# The number of test processes.
JOBS ?= auto

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(DEV) $(WEB) $(DOUBLES) ## install everything that the other targets need

serve: $(RUNTIME) $(WEB) ## run the gateway, on the sandbox if no account is configured (ARGS="--port 9000")
	@exec $(VENV)/bin/supplygraph serve $(ARGS)

test: $(DEV) $(WEB) $(DOUBLES) ## run all tests
	@$(PY) -m pytest -q -n $(JOBS) --dist loadfile $(ARGS)

prove: $(DEV) $(WEB) $(DOUBLES) ## run every proof at full size and print a table (ARGS="--only simulation mutants")
	@$(PY) -m tests.prove $(ARGS)

vendors: $(DEV) ## print the evidence for each vendor and the cost of a sweep
	@$(PY) -m tests.vendors.table

check: $(DEV) ## check lint, format, types, imports, names, wording and documents
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy
	@$(VENV)/bin/lint-imports
	@$(PY) -m tools.style
	@$(PY) -m pytest -q tests/docs

style: $(DEV) ## check names, sizes and wording (ARGS="--totals", ARGS="db docs")
	@$(PY) -m tools.style $(ARGS)

counts: $(DEV) ## count lines, modules, names, entries of /graphql and caches
	@$(PY) -m tools.counts

bench: $(DEV) ## measure supplygraph and its peers on the same rows and operations (ARGS="--quick")
	@$(PY) -m benchmarks.bench $(ARGS)

docs: $(DOCS)/.stamp ## build the documentation site in build/site
	@NO_MKDOCS_2_WARNING=1 $(DOCS)/bin/mkdocs build --strict --quiet
	@echo "Built build/site. To view it: python3 -m http.server -d build/site"

web: $(WEB) ## build the browser pages
doubles: $(DOUBLES) ## install the independent test doubles from npm

lock: ## lock the requirements with hashes; keeps versions where possible (needs uv)
	@for pair in runtime:build dev:build,dev docs:docs; do \
	  name=$${pair%%:*}; groups=$$(echo $${pair##*:} | sed 's/[^,]*/--group pyproject.toml:&/g; s/,/ /g'); \
	  project=pyproject.toml; if [ $$name = docs ]; then project=; fi; \
	  uv pip compile $$project $$groups -c requirements/forbidden.txt --generate-hashes --universal --python-version 3.11 \
	    --no-emit-index-url --no-emit-find-links --no-annotate --no-header --no-config -q -o requirements/$$name.txt || exit 1; done

clean: ## remove everything that was built or installed
	@rm -rf $(VENV) supplygraph/web/assets web/node_modules tests/*/node_modules benchmarks/peers/node_modules docs-site/node_modules build

$(VENV)/pyvenv.cfg:
	@python=""; for one in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11; do \
	  if "$$one" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then python="$$one"; break; fi; done; \
	if [ -z "$$python" ]; then \
	  echo "supplygraph needs Python 3.11 or later, and none was found. Install it, or run: make PYTHON=/path/to/python3.12 ..." >&2; exit 2; fi; \
	echo "Creating $(VENV) with $$("$$python" --version)"; \
	"$$python" -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "This Python cannot create virtual environments. On Debian and Ubuntu, run: apt-get install python3-venv" >&2; exit 2; }

$(RUNTIME): $(VENV)/pyvenv.cfg requirements/runtime.txt pyproject.toml
	@$(PY) -m pip --version >/dev/null 2>&1 || $(PY) -m ensurepip -q
	@echo "Installing the dependencies of the gateway"
	@$(PIP) install -qq --require-hashes -r requirements/runtime.txt
	@$(PIP) install -qq --no-deps --no-build-isolation -e .
	@touch $@

$(DEV): $(RUNTIME) requirements/dev.txt
	@echo "Installing the dependencies of the tests"
	@$(PIP) install -qq --require-hashes -r requirements/dev.txt
	@touch $@

# The site has its own environment, so that its pins do not depend on those of the tests. Node and npm come from $(RUNTIME).
$(DOCS)/.stamp: $(RUNTIME) requirements/docs.txt docs-site/package-lock.json
	@echo "Installing the dependencies of the documentation site"
	@$(PY) -m venv $(DOCS)
	@$(DOCS)/bin/python -m pip --disable-pip-version-check --no-input install -qq --require-hashes -r requirements/docs.txt
	@PATH="$(CURDIR)/$(VENV)/bin:$$PATH" npm ci --prefix docs-site --no-audit --no-fund --silent
	@touch $@

# The pages and the doubles come from npm. Everything else works without them, so a failure here only prints a message.
$(WEB): $(RUNTIME) $(wildcard web/package-lock.json web/*.js web/src/* web/examples/*)
	@echo "Building the browser pages"
	@if $(PY) -m web.build; then touch $@; \
	  else echo "The browser pages were not built. Is npm's registry reachable? Everything else works. To try again, run: make web" >&2; fi

$(DOUBLES): $(RUNTIME) $(wildcard tests/*/package-lock.json)
	@echo "Installing the test doubles from npm"; \
	for lock in $(wildcard tests/*/package-lock.json); do \
	  PATH="$(CURDIR)/$(VENV)/bin:$$PATH" npm ci --prefix "$$(dirname "$$lock")" --no-audit --no-fund --silent || failed=1; done; \
	if [ -z "$$failed" ]; then touch $@; \
	  else echo "The test doubles were not installed. Is npm's registry reachable? Their tests are skipped. To try again, run: make doubles" >&2; fi
