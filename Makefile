# The newcomer's two commands are `make demo` and `make test`; both begin with `make setup`.
PYTHON := $(shell for p in python3 python3.13 python3.12 python3.11; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null \
	&& { command -v $$p; break; }; done)
BIN := .venv/bin

.PHONY: setup demo test check bench
.NOTPARALLEL:

setup:
	@test -n "$(PYTHON)" || { echo "setup: Python 3.11, 3.12 or 3.13 is needed and none was found on the PATH" >&2; exit 2; }
	@"$(PYTHON)" tools/setup.py

demo: setup
	$(BIN)/vigie demo

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: check
	$(BIN)/pytest

bench: setup
	$(BIN)/python -m benchmarks
