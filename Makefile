# Each target makes what it needs, on a machine that has nothing but PYTHON (3.11 or later) with venv and pip.
# The first run installs into .venv; the next ones find it ready.

PYTHON ?= python3
READY := .venv/.ready
MEMBERS := $(sort $(wildcard plugins/*/pyproject.toml))

export PATH := $(CURDIR)/.venv/bin:$(PATH)

.PHONY: help demo test coverage check bench docs clean

help:
	@echo "make demo      bring a document down from each of the four services, emulated on this machine"
	@echo "make test      run all tests"
	@echo "make check     lint, format and types"
	@echo "make coverage  see that the tests of core go through all of its lines and branches"
	@echo "make docs      build the documentation into site/"
	@echo "make bench     measure it against curl, aria2c and rclone"
	@echo "make clean     remove .venv and everything that was built"

demo: $(READY)
	downspout-sandbox run -- sh tests/demo/demo.sh

# Most tests wait for somebody: a server that is slow on purpose, a process that starts. So two share a processor.
WORKERS := $(shell python3 -c 'import os; print(2 * len(os.sched_getaffinity(0)))' 2>/dev/null || echo 4)
TESTS := pytest -n $(WORKERS) --dist worksteal

test: $(READY)
	$(TESTS) $(ARGS)

coverage: $(READY)
	$(TESTS) core/tests tests --cov $(ARGS)

check: $(READY)
	ruff check
	ruff format --check
	mypy core/src $(MEMBERS:pyproject.toml=src)
	pyright
	pyright --verifytypes downspout --ignoreexternal

docs: $(READY)
	NO_MKDOCS_2_WARNING=1 mkdocs build --strict

bench: $(READY)
	python tests/bench $(ARGS)

$(READY): pyproject.toml core/pyproject.toml $(MEMBERS)
	test -x .venv/bin/python || $(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --upgrade pip
	.venv/bin/python -m pip install --quiet --group dev -e "core[keyring,testing]" $(MEMBERS:%/pyproject.toml=-e %)
	touch $@

clean:
	rm -rf .venv .nox site demo-downloads dist .coverage* htmlcov .mypy_cache .pytest_cache .ruff_cache .hypothesis
