# `make demo` and `make test` are all the set-up there is; `make` alone lists the rest.

VENV := .venv
BIN := $(VENV)/bin
DEMO := dist/demo

# The first Python of PATH that is new enough; `make PYTHON=...` takes another.
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11 python3.10 python3.9; do \
    $$python -c 'import sys; sys.exit(sys.version_info < (3, 9))' 2>/dev/null && echo $$python && break; \
    done)

.DEFAULT_GOAL := help
.PHONY: help demo test test-browser test-splunk fuzz lint app bench lookups clean

help:
	@echo 'make demo     enrich sample alerts through the packaged app'
	@echo 'make test     run all tests on every Python from 3.9 that is installed'
	@echo 'make test-browser  look at the dashboards in a real browser'
	@echo 'make test-splunk URL=...  hold an installed app against the emulator (token: LOFP_SPLUNK_TOKEN)'
	@echo 'make fuzz     try the properties on 20 times as many random inputs (TIMES=20)'
	@echo 'make lint     check style, types and spelling'
	@echo 'make app      package the app into dist/ and inspect it with AppInspect'
	@echo 'make bench    hold the budgets against their yardsticks (CORPORA=folder of the rule archives)'
	@echo 'make lookups  make lookups/ from the starter entries'
	@echo 'make clean    remove all that was made, the virtual environment too'

demo: $(VENV)/ready
	$(BIN)/lofp-enrich build --out $(DEMO)/lookups
	$(BIN)/lofp-enrich package --lookups $(DEMO)/lookups --out $(DEMO)/lofp_enrich.tar.gz
	@$(BIN)/python -m tests.demo $(DEMO)/lofp_enrich.tar.gz

test: $(VENV)/ready-dev
	$(BIN)/nox --session tests

fuzz: $(VENV)/ready-dev
	LOFP_FUZZ=$(or $(TIMES),20) $(BIN)/python -m pytest -m 'hypothesis and not browser'

lint: $(VENV)/ready-dev
	$(BIN)/nox --session lint

app: $(VENV)/ready-dev
	$(BIN)/nox --session app

lookups: $(VENV)/ready
	$(BIN)/lofp-enrich build

test-browser: $(VENV)/ready-dev
	@.ci/need chromium fonts-liberation nodejs npm
	node tests/browser/bundle.mjs
	LOFP_REQUIRE_BROWSER=1 $(BIN)/python -m pytest -m browser tests/browser

test-splunk: $(VENV)/ready-dev
	@test -n "$(URL)" || { echo 'Name the REST API of a Splunk with the app: make test-splunk URL=https://localhost:8089 [CA=its-ca.pem]'; exit 1; }
	@$(BIN)/python -m tests.live $(URL) $(CA)

CORPORA ?= ../shared
ARCHIVES := sigma elastic splunk

bench: $(VENV)/ready-dev
	$(BIN)/lofp-enrich build --out dist/bench/full \
	    $(foreach name,$(ARCHIVES),--source $(name)=$(CORPORA)/corpora/$(name).tar.gz)
	$(BIN)/lofp-enrich package --lookups dist/bench/full --out dist/bench/full.tar.gz
	$(BIN)/lofp-enrich build --no-starter --no-notes --out dist/bench/quarter \
	    $(foreach name,sigma splunk,--source $(name)=$(CORPORA)/corpora/$(name).tar.gz)
	$(BIN)/lofp-enrich package --lookups dist/bench/quarter --out dist/bench/quarter.tar.gz
	$(BIN)/python -m tests.bench dist/bench/full.tar.gz dist/bench/quarter.tar.gz $(CORPORA)/corpora; \
	    held=$$?; $(BIN)/python -m tests.bench.retrieval $(CORPORA)/bench && exit $$held

clean:
	rm -rf $(VENV) .nox dist build *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A stamp lies inside the environment, so it goes when the environment goes.
$(VENV)/ready: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(VENV)/ready-dev: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@ $(VENV)/ready

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo 'Python 3.9 or later is not on PATH; install it, or name one with make PYTHON=...' >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	    echo '$(PYTHON) cannot make a virtual environment; on Debian and Ubuntu: apt-get install python3-venv' >&2; exit 1; }
