# Everything a person does here. Each target installs what it needs into .venv first, from the package registries.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test check lint format types contracts pytest bench fuzz up clean

demo: .venv/installed ## start the platform, publish the example site, and keep running
	$(BIN)/lambent demo

test: check pytest ## everything that must be green

check: lint types contracts

lint: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/installed
	$(BIN)/mypy

contracts: .venv/installed
	$(BIN)/lint-imports

# Much of the time is waiting, for processes and clocks: one process more than there are cores. The longest files come
# first, as they are collected, so that the processes end together.
pytest: .venv/installed
	$(BIN)/pytest --numprocesses $$(($$(nproc) + 1)) --maxprocesses 8 --dist loadfile --no-loadscope-reorder

format: .venv/installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: .venv/installed ## measure; see bench/README.md
	$(BIN)/python -m bench

fuzz: .venv/installed ## random bytes at the decoders, frames at the listener, random expressions and statements
	$(BIN)/python fuzz/fuzz_wire.py --seconds 60
	$(BIN)/python fuzz/fuzz_http2.py --seconds 30
	$(BIN)/python fuzz/fuzz_expressions.py --seconds 30
	$(BIN)/python fuzz/fuzz_partiql.py --seconds 30

up: .venv/installed
	$(BIN)/lambent up

.venv/installed: pyproject.toml tools/make_venv.py
	$(PYTHON) tools/make_venv.py .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
