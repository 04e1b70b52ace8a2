# Each target makes what it needs, on a machine that has nothing but PYTHON (3.11 or later) with venv and pip.
# The first run installs into .venv; the next ones find it ready.

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
MEMBERS := $(sort $(wildcard plugins/*/pyproject.toml))

.PHONY: help demo test check bench docs clean

help:
	@echo "make demo    bring a document down from each of the four services, emulated on this machine"
	@echo "make test    run all tests, and measure the coverage of core"
	@echo "make check   lint, format and types"
	@echo "make docs    build the documentation into site/"
	@echo "make bench   measure it against curl, aria2c and rclone"
	@echo "make clean   remove .venv and everything that was built"

demo: $(READY)
	PATH="$(CURDIR)/$(BIN):$$PATH" downspout-sandbox run -- sh tests/demo/demo.sh

test: $(READY)
	$(BIN)/pytest -n auto --dist worksteal --cov $(ARGS)

check: $(READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy core/src $(MEMBERS:pyproject.toml=src)
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/pyright --pythonpath $(BIN)/python --verifytypes downspout --ignoreexternal

docs: $(READY)
	$(BIN)/mkdocs build --strict

bench: $(READY)
	$(BIN)/python tests/bench $(ARGS)

$(READY): pyproject.toml core/pyproject.toml $(MEMBERS)
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --group dev -e "core[keyring,testing]" $(patsubst %/pyproject.toml,-e %,$(MEMBERS))
	touch $@

clean:
	rm -rf .venv .nox site demo-downloads dist .coverage* htmlcov .mypy_cache .pytest_cache .ruff_cache .hypothesis
