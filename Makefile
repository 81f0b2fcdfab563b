# `make demo` and `make test` install all they need; nothing else has to be run before them.
PYTHON ?= python3
VENV := .venv
PEER := .peer
BIN := $(VENV)/bin
WORKERS ?= 4
# Programs that tests hold our files against.
TEST_TOOLS := rpmbuild systemd-analyze groff logrotate promtool zsh fish

.PHONY: setup demo screenshots test check check-static format bench clean

setup: $(VENV)/.ready $(PEER)/.ready zookeeper
	@scripts/install-tools --try $(TEST_TOOLS)
	@$(BIN)/python packaging/wheels build/packaging/wheels

$(VENV)/.ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "Python 3.11 or newer is needed: make PYTHON=python3.12 ..." >&2; exit 1; }
	@echo "preparing $(VENV); this takes a minute"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

# The published engine, in an environment of its own: the peer of the fleet tests and benchmarks.
$(PEER)/.ready: constraints-peer.txt
	$(PYTHON) -m venv $(PEER)
	$(PEER)/bin/pip install --quiet --disable-pip-version-check -r constraints-peer.txt
	touch $@

.PHONY: zookeeper
zookeeper:
	@scripts/install-zookeeper

demo: $(VENV)/.ready zookeeper
	@$(BIN)/python -m nuvla_console demo $(if $(DEMO_SECONDS),--seconds $(DEMO_SECONDS))

test: setup
	$(BIN)/pytest -n $(WORKERS) --dist worksteal

check-static: $(VENV)/.ready
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: check-static test

format: $(VENV)/.ready
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Packages for production, into build/packaging; docs/install.md says what is in them.
.PHONY: rpm deb
rpm: $(VENV)/.ready
	@scripts/install-tools rpmbuild
	@PYTHON=$(BIN)/python packaging/build rpm

deb: $(VENV)/.ready
	@PYTHON=$(BIN)/python packaging/build deb

# Pictures of the console, taken over the local platform.
screenshots: $(VENV)/.ready zookeeper
	$(BIN)/python -m screenshots

bench: setup
	$(BIN)/python -m benchmarks
	$(BIN)/python -m benchmarks.console

# Random keys and window sizes on the console; no test, since it may find something at any time.
.PHONY: soak
soak: setup
	$(BIN)/python -m tests.console.soak --seconds $(or $(SECONDS),300) $(if $(SEED),--seed $(SEED))

clean:
	rm -rf $(VENV) $(PEER) build dist .mypy_cache .pytest_cache .ruff_cache
