# These commands need nothing but Python >= 3.11 and make:
#   make claims   the reproducibility report in the quick regime, on all cores
#   make test     the tests of the harness
#   make check    lint and types
#   make docs     the documentation, as docs/_build/html/index.html
# Each makes the virtual environment first, if it is missing or out of date.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
CORES  := $(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1)
# What the exit status of make claims is of: of the machinery alone, or with POLICY= of the verdicts, too.
POLICY ?= --verdicts-ok
# One thread a process: the processes share the cores.
RUN    := OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 $(BIN)/python -m

.PHONY: claims test soak check format docs linkcheck bench clean

claims: $(VENV)/installed
	$(RUN) pytest claims --quick -n $(CORES) $(POLICY) $(ARGS)

test: $(VENV)/installed
	$(RUN) pytest -n $(CORES) $(ARGS)

soak: $(VENV)/installed  # half an hour: sessions are killed at random instants, 200 times, and one makes 500 runs
	REPRO_SOAK=200 REPRO_SOAK_RUNS=500 $(RUN) pytest tests/plugin/test_soak.py tests/plugin/test_many_runs.py

check: $(VENV)/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/installed
	$(BIN)/python -m sphinx --fail-on-warning --keep-going -b html docs docs/_build/html

linkcheck: $(VENV)/installed  # needs a network
	$(BIN)/python -m sphinx -b linkcheck docs docs/_build/linkcheck

bench: $(VENV)/bench
	$(RUN) benchmarks $(ARGS)

# Peers that are no part of the tests. Without their dependencies: torchattacks pins an old requests, and both work with
# what is there.
$(VENV)/bench: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps torchattacks==3.5.1 pyhessian==0.1
	@touch $@

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis docs/_build *.egg-info

$(VENV)/installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "$(PYTHON) is too old: Python 3.11 or newer is needed (make PYTHON=python3.12 ...)"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test,docs]'
	@touch $@
