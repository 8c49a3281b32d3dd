# The doors of this project. `make run` and `make test` need Python 3.11+ and make, and set up the rest themselves.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
# What is measured has nothing installed but what it needs: some packages load others that happen to be there.
BENCH_VENV := .venv-bench
CORES  := $(shell nproc)
# More than cores: tests wait now and then, those of real processes for a third of their time.
JOBS   ?= $(shell expr $(CORES) + 1)
# Where the environment forbids Python to keep what it has compiled, every process of a server compiles all of it again.
unexport PYTHONDONTWRITEBYTECODE
PYTEST := $(BIN)/python -m pytest -q --dist worksteal -n
# What `make test-fast` leaves out.
SLOW   := nightly or process or repeated or system
# Of the larger folders, what notices most faults for its seconds.
FAST   := $(addprefix tests/,storage/test_drainer.py storage/test_batch.py storage/test_lookup.py storage/test_statistics.py \
          web/test_links.py web/test_redirects.py web/test_rules.py web/test_stats.py web/test_keys.py web/test_openapi.py \
          cli/test_stats.py)

.PHONY: help run install dev test test-fast test-system test-nightly page faults check format bench bench-large kills lock clean

help:            ## list these targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## */\t/' | expand -t 12

run: install     ## start the shortener on http://localhost:8000; PORT=8080 takes another port
	@exec $(BIN)/shortener serve $(if $(PORT),--port $(PORT))

install: $(VENV)/.runtime   ## build .venv/ with .venv/bin/shortener

dev: $(VENV)/.dev           ## the same, with what tests and checks need

# Coverage is measured where it says something: tests/conftest.py.
test: dev        ## every test, on SQLite and on a real PostgreSQL, with coverage; T=tests/web runs a part
ifdef T
	$(PYTEST) $(JOBS) $(T)
else
	$(PYTEST) $(shell expr $(JOBS) + 1) -m 'not system' --cov --cov-report=term tests
endif

test-fast: dev   ## what a change needs, in under a minute: the pieces, and of the rest what answers on one database
	$(PYTEST) $(JOBS) -m 'not ($(SLOW))' tests/unit tests/test_architecture.py tests/test_documented.py $(FAST)

test-system: dev ## tests that need programs beside Python: chromium, curl, nginx, npm, pgbouncer, wrk
	$(PYTEST) $(JOBS) --dist loadfile -m system tests

test-nightly: dev kills   ## the long forms of tests in their large size, and the kills
	TEST_SIZE=nightly $(PYTEST) $(JOBS) -m 'nightly or repeated' tests

page: dev        ## follow one page of the documents, P=docs/API.md, and print what differs
	$(BIN)/python -m tests.docs $(P)

faults: dev      ## put known faults back, one at a time, and see that the tests find each
	$(BIN)/python -m tests.faults

check: dev       ## format, lint, types, architecture
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q tests/test_architecture.py tests/test_documented.py

format: dev      ## rewrite the sources in the house format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: dev $(BENCH_VENV)/.runtime   ## measure CPU per request and write docs/BENCHMARKS.md
	BENCH_PYTHON=$(BENCH_VENV)/bin/python $(BIN)/python -m tests.bench

bench-large: dev $(BENCH_VENV)/.runtime   ## build databases of 20,000,000 clicks (hours, 10 GB in BENCH_DATA), ask them all
	BENCH_PYTHON=$(BENCH_VENV)/bin/python $(BIN)/python -m tests.bench.large

kills: dev       ## kill everything a thousand times under load and write docs/RELIABILITY.md
	$(BIN)/python -m tests.kills --write

lock:            ## resolve the dependencies anew (needs uv)
	uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-header --no-annotate --group build pyproject.toml -o requirements.lock
	uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-header --no-annotate --group dev -c requirements.lock pyproject.toml -o requirements-dev.lock

clean:           ## remove what these targets made, but never data/
	rm -rf $(VENV) $(BENCH_VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .coverage* htmlcov dist build
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The last command says that the environment is whole: what a failed or interrupted run has left is made anew. One that
# an older Makefile has finished (.runtime) stays, since a server may run from it.
%/.environment:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "shortener needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Try: make PYTHON=python3.12 run")'
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo 'This Python cannot make virtual environments: install python3-venv (Debian, Ubuntu), then run make again.' >&2; exit 1; }
	test -e $*/.runtime || rm -rf $*
	$(PYTHON) -m venv $*
	@touch $@

# The locks are whole, so pip resolves nothing (--no-deps): older ones take a package asked for with an extra
# (coverage[toml]) in its newest release, past the lock. `pip check` tells a lock that is not whole.
%/.runtime: %/.environment requirements.lock pyproject.toml
	$*/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	$*/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	$*/bin/python -m pip check --quiet --disable-pip-version-check
	@touch $@

.PRECIOUS: %/.environment %/.runtime

$(VENV)/.dev: $(VENV)/.runtime requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip check --quiet --disable-pip-version-check
	@touch $@
