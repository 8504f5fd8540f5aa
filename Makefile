# Every chore is one short command; each sets up what it needs. `make help` lists them.
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin
STAMP := $(VENV)/.installed
export PYTHONDONTWRITEBYTECODE =

.PHONY: help demo test soak lint tree bench bench-loss lock clean

help:  ## list the chores
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

$(STAMP): requirements.lock pyproject.toml
	@echo "installing into $(VENV), about a minute"
	$(PYTHON) -m venv $(VENV)
	$(RUN)/python -m pip install --quiet --disable-pip-version-check uv
	$(RUN)/uv pip install --quiet --python $(RUN)/python --compile-bytecode --require-hashes -r requirements.lock
	$(RUN)/uv pip install --quiet --python $(RUN)/python --no-deps --no-build-isolation -e .
	$(RUN)/python -m compileall -q src
	@touch $(STAMP)

demo: $(STAMP)  ## walk through the whole story on this machine
	$(RUN)/marea demo

test: $(STAMP)  ## all tests, in two processes, on servers that each starts itself
	@tests/install-mariadb
	$(RUN)/python -m pytest -m 'not soak' -n 2 --dist worksteal

soak: $(STAMP)  ## the long searches and kills
	@tests/install-mariadb
	$(RUN)/python -m pytest -m soak --timeout 0

lint: $(STAMP)  ## style, types, layers
	$(RUN)/ruff check .
	$(RUN)/ruff format --check .
	$(RUN)/mypy
	$(RUN)/lint-imports

tree: $(STAMP)  ## lines of each module and what it owns, and the longest functions
	@$(RUN)/python tests/tree.py

bench: $(STAMP)  ## beside the peers and the limit; N=100000 for a small one
	$(RUN)/python -m bench --rows $(or $(N),1000000) $(BENCH)

bench-loss: $(STAMP)  ## what is missed of one history, by each capture and by the peers
	$(RUN)/python -m bench.loss $(BENCH)

lock: $(STAMP)  ## renew the locked dependencies, and those of Tryton
	$(RUN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --group dev -o requirements.lock pyproject.toml
	$(RUN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -o tests/scenarios/tryton/packages.txt tests/scenarios/tryton/packages.in

clean:  ## forget the environment and every build
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
