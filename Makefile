# The README gives the plain commands behind each target.
PYTHON ?= python3.11
BIN = .venv/bin

.PHONY: venv demo test test-slow lint lock

venv: .venv/installed

.venv/installed: requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
ifdef GPU
	$(BIN)/pip install --quiet -e '.[gpu,dev]'
else
	$(BIN)/pip install --quiet --require-hashes --no-deps -r requirements.lock
	$(BIN)/pip install --quiet --no-deps -e .
endif
	touch $@

demo: venv
	$(BIN)/python -m misc.demo

test: venv
	$(BIN)/python -m pytest -m 'not slow'

test-slow: venv
	$(BIN)/python -m pytest

lint: venv
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# Needs `pip install uv`. Pins every package and its hashes for the CPU, on every platform.
lock:
	uv pip compile --quiet --generate-hashes --universal --python-version 3.11 --extra cpu --extra dev pyproject.toml -o requirements.lock
