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

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(VENV)/bin/python pyproject.toml
	@echo "installing into $(VENV)"
	@$(BIN)/python -m pip install -q --disable-pip-version-check -e .
	@touch $@

$(VENV)/.tested: $(VENV)/bin/python pyproject.toml
	@echo "installing into $(VENV), with what the tests need"
	@$(BIN)/python -m pip install -q --disable-pip-version-check -e '.[test]'
	@touch $@ $(VENV)/.installed

clean:
	rm -rf $(VENV) allegra-demo .pytest_cache .mypy_cache .ruff_cache
