# Two commands are all a new user needs:  make demo   and   make test
VENV   ?= .venv
PYTHON ?= python3
BIN     = $(VENV)/bin

.PHONY: demo test bench lint clean servers

demo: $(VENV)/.installed
	@$(BIN)/allegra demo --yes $(ARGS)

test: $(VENV)/.tested servers
	$(BIN)/python -m pytest -n auto $(ARGS)

bench: $(VENV)/.tested
	$(BIN)/python -m bench $(ARGS)

lint: $(VENV)/.tested
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

# The IMAP and POP3 tests talk to a real Dovecot. As root on Debian it is installed; elsewhere those tests skip and say why.
servers:
	@if ! test -x /usr/sbin/dovecot && test "$$(id -u)" = 0 && command -v apt-get >/dev/null 2>&1; then \
	  echo "installing Dovecot for the tests"; \
	  apt-get update -q >/dev/null && DEBIAN_FRONTEND=noninteractive \
	  apt-get install -qy --no-install-recommends dovecot-imapd dovecot-pop3d openssl >/dev/null; fi

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

clean:
	rm -rf $(VENV) .venv-* allegra-demo .pytest_cache .mypy_cache .ruff_cache
