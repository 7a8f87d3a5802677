# Two commands: `make demo` shows what the package does, `make test` checks that it does it.
# Each makes .venv and installs what it needs.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# In turn, not at once: what a process has traced it keeps, and slows down.
PYTEST := $(BIN)/python -m pytest -n 2 --dist worksteal
TRAINING := tests/contract tests/models tests/training
export TF_CPP_MIN_LOG_LEVEL ?= 2

.PHONY: demo test test-all mutate docs clean

demo: $(VENV)/demo.stamp
	$(BIN)/python scripts/demo.py --out demo

test: $(VENV)/test.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(PYTEST) $(TRAINING)
	$(PYTEST) tests $(TRAINING:%=--ignore=%)

test-all: $(VENV)/test.stamp
	$(PYTEST) -m "" $(TRAINING)
	$(PYTEST) -m "" tests $(TRAINING:%=--ignore=%)

mutate: $(VENV)/test.stamp
	$(BIN)/python -m benchmarks.mutate

docs: $(VENV)/docs.stamp
	$(BIN)/mkdocs build --strict

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/demo.stamp: setup.py | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

$(VENV)/test.stamp: setup.py | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --editable ".[dev,litert,faces]"
	touch $@

$(VENV)/docs.stamp: setup.py | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --editable ".[docs]"
	touch $@

clean:
	rm -rf $(VENV) demo site build *.egg-info
