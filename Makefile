# Two commands are all a new user needs:  make demo   and   make test
# All of them:  make help
VENV   ?= .venv
PYTHON ?= python3
BIN     = $(VENV)/bin
# Two more than there are cores: many tests wait, for servers that are slow on purpose and for clocks.
WORKERS ?= $(shell expr $$(nproc 2>/dev/null || sysctl -n hw.ncpu 2>/dev/null || echo 2) + 2)

.PHONY: demo test bench soak hostile lint coverage clean servers help

demo: $(VENV)/.installed
	@$(BIN)/allegra demo --yes $(ARGS)

# Hundreds of tests start a Python: one that may not keep what it compiled compiles all of it each time.
test coverage soak hostile: export PYTHONDONTWRITEBYTECODE =

test: $(VENV)/.tested servers $(VENV)/.collected
	$(BIN)/python -m pytest -n $(WORKERS) $(ARGS)

bench: $(VENV)/.tested
	$(BIN)/python -m bench $(ARGS)

soak: $(VENV)/.tested servers
	PYTHONPATH=tests:. $(BIN)/python -m soak

hostile: $(VENV)/.tested servers
	PYTHONPATH=tests:. $(BIN)/python -m hostile

coverage: $(VENV)/.tested servers
	$(BIN)/python -m pytest -n $(WORKERS) --cov --cov-report=term:skip-covered $(ARGS)

lint: $(VENV)/.tested
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && \
	$(BIN)/mypy --config-file tests/mypy.ini --cache-dir .mypy_cache/tests

# The tests of mailboxes talk to a real Dovecot, those of sending to a real Postfix, those of directories to a real slapd, and a
# real PostgreSQL, with a pgbouncer before it, holds the store; pages are opened in a real Chromium, and the recipe for nginx is tried with it. As root on Debian all are installed, Postfix only where no other
# program takes mail; elsewhere those tests skip and say why. No service is started: each test runs servers of its own.
servers:
	@if ! test -x /usr/sbin/dovecot && test "$$(id -u)" = 0 && command -v apt-get >/dev/null 2>&1; then \
	  echo "installing Dovecot for the tests"; \
	  apt-get update -q >/dev/null && DEBIAN_FRONTEND=noninteractive \
	  apt-get install -qy --no-install-recommends dovecot-imapd dovecot-pop3d openssl >/dev/null; fi
	@if ! test -x /usr/sbin/slapd && test "$$(id -u)" = 0 && command -v apt-get >/dev/null 2>&1; then \
	  echo "installing slapd for the tests"; \
	  echo "slapd slapd/no_configuration boolean true" | debconf-set-selections; \
	  DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends slapd >/dev/null 2>&1 || \
	  { apt-get update -q >/dev/null && DEBIAN_FRONTEND=noninteractive \
	  apt-get install -qy --no-install-recommends slapd >/dev/null; } || echo "slapd cannot be installed: its tests skip"; fi
	@if ! test -e /usr/sbin/sendmail && test "$$(id -u)" = 0 && command -v apt-get >/dev/null 2>&1; then \
	  echo "installing Postfix for the tests"; \
	  echo "postfix postfix/main_mailer_type select No configuration" | debconf-set-selections; \
	  DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends postfix >/dev/null 2>&1 || \
	  { apt-get update -q >/dev/null && DEBIAN_FRONTEND=noninteractive \
	  apt-get install -qy --no-install-recommends postfix >/dev/null; } || echo "Postfix cannot be installed: its tests skip"; fi
	@if ! ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 && test "$$(id -u)" = 0 && command -v apt-get >/dev/null 2>&1; then \
	  echo "installing PostgreSQL for the tests"; \
	  mkdir -p $(NO_CLUSTER) && echo "create_main_cluster = false" > $(NO_CLUSTER)/allegra-tests.conf; \
	  DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends postgresql >/dev/null 2>&1 || \
	  { apt-get update -q >/dev/null && DEBIAN_FRONTEND=noninteractive \
	  apt-get install -qy --no-install-recommends postgresql >/dev/null; } || echo "PostgreSQL cannot be installed: its tests skip"; \
	  rm -f $(NO_CLUSTER)/allegra-tests.conf; fi
	@if ! test -x /usr/sbin/pgbouncer && test "$$(id -u)" = 0 && command -v apt-get >/dev/null 2>&1; then \
	  echo "installing pgbouncer for the tests"; \
	  mkdir -p $(UNITS) && ln -s /dev/null $(UNITS)/pgbouncer.service; \
	  DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends pgbouncer >/dev/null 2>&1 || \
	  { apt-get update -q >/dev/null && DEBIAN_FRONTEND=noninteractive \
	  apt-get install -qy --no-install-recommends pgbouncer >/dev/null; } || echo "pgbouncer cannot be installed: its tests skip"; \
	  rm -f $(UNITS)/pgbouncer.service; fi

	@if ! command -v chromium >/dev/null 2>&1 && test "$$(id -u)" = 0 && command -v apt-get >/dev/null 2>&1; then \
	  echo "installing Chromium for the tests"; \
	  DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends chromium >/dev/null 2>&1 || \
	  { apt-get update -q >/dev/null && DEBIAN_FRONTEND=noninteractive \
	  apt-get install -qy --no-install-recommends chromium >/dev/null; } || echo "Chromium cannot be installed: its tests skip"; fi
	@if ! command -v nginx >/dev/null 2>&1 && test "$$(id -u)" = 0 && command -v apt-get >/dev/null 2>&1; then \
	  echo "installing nginx for the tests"; mkdir -p $(UNITS); masked=; \
	  test -e $(UNITS)/nginx.service || { ln -s /dev/null $(UNITS)/nginx.service && masked=yes; }; \
	  DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -qy --no-install-recommends nginx-light openssl >/dev/null 2>&1 || \
	  { apt-get update -q >/dev/null && DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
	  apt-get install -qy --no-install-recommends nginx-light openssl >/dev/null; } || echo "nginx cannot be installed: its test skips"; \
	  test -z "$$masked" || rm -f $(UNITS)/nginx.service; fi

# A unit that is nothing is not started when its package comes.
UNITS = /etc/systemd/system
NO_CLUSTER = /etc/postgresql-common/createcluster.d

# One stamp for each version of Python: with another PYTHON the environment is made anew.
VERSION := $(shell $(PYTHON) -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])' 2>/dev/null)

$(VENV)/.python-$(VERSION):
	@test -n "$(VERSION)" || { echo "$(PYTHON) does not run: name a Python of 3.11 or newer, make PYTHON=python3.13"; exit 1; }
	@$(PYTHON) -m venv --clear $(VENV)
	@touch $@

$(VENV)/.installed: $(VENV)/.python-$(VERSION) pyproject.toml
	@echo "installing into $(VENV), Python $(VERSION)"
	@$(BIN)/python -m pip install -q --disable-pip-version-check -e .
	@touch $@

$(VENV)/.tested: $(VENV)/.python-$(VERSION) pyproject.toml
	@echo "installing into $(VENV), Python $(VERSION), with what the tests need"
	@$(BIN)/python -m pip install -q --disable-pip-version-check -e '.[test]'
	@touch $@ $(VENV)/.installed

# pytest writes each test anew before it runs it, and keeps that: done once here, not by every worker at the same time.
$(VENV)/.collected: $(VENV)/.tested
	@for part in 'tests/[a-d]*/ tests/test_*.py' 'tests/[e-n]*/' 'tests/[o-r]*/' 'tests/[s-z]*/'; do \
	  $(BIN)/python -m pytest -q --collect-only -p no:xdist -p no:cacheprovider $$part >/dev/null 2>&1 & done; wait
	@touch $@

help:
	@echo 'make demo                    make .venv, install, read sample mails, show what became of each'
	@echo 'make test                    all tests; ARGS="tests/mail -k auth" for some'
	@echo 'make test ARGS="-m quick"    the short suite: every room, no server, under a minute on two quiet cores'
	@echo 'DATABASE=postgresql make test  the same tests, each desk in a database of its own on a real PostgreSQL'
	@echo 'make lint                    ruff and mypy'
	@echo 'make coverage                all tests with their coverage; fails below the floor in pyproject.toml'
	@echo 'make bench                   what a mail costs; ARGS="engine growth" for some parts (docs/performance.md)'
	@echo 'BASE=../before make bench ARGS=against   the same with another tree, in turn'
	@echo 'make soak                    10,000 mails, 500 kills, connections that break: nothing lost, nothing twice'
	@echo 'make hostile                 10,000 mails of attackers through every page in Chromium; MAILS=500 for fewer'
	@echo 'make clean                   remove .venv and caches'
	@echo 'PYTHON=python3.13 before any of them: with that Python'

clean:
	rm -rf $(VENV) .venv-* allegra-demo .coverage .pytest_cache .mypy_cache .ruff_cache
	find engine rules hooks bench tests -name __pycache__ -prune -exec rm -rf {} +
