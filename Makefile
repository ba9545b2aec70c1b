# Every target makes .venv if it is missing and installs once; nothing needs to be activated, all are safe to repeat.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
BOUNDS_CACHE := build/numba-bounds-checked

.DEFAULT_GOAL := test
.PHONY: train test older test-older lint types docs bench report report-services clean

train: $(INSTALLED)
	$(BIN)/python train.py

# What holds the engine to the reference and to worlds worked out by hand: once more in each way that it can run.
HELD := tests/engine/test_tiny_*.py tests/engine/test_event_order.py tests/engine/test_*against_reference.py \
	tests/engine/test_services.py

test: lint types docs
	@echo "== tests"
	$(BIN)/python -m pytest -n 2 -q
	@echo "== engine, not compiled"
	NUMBA_DISABLE_JIT=1 $(BIN)/python -m pytest -n 2 -q -m "not slow" $(HELD)
	@echo "== engine, compiled with bounds checks"
	NUMBA_BOUNDSCHECK=1 NUMBA_CACHE_DIR=$(CURDIR)/$(BOUNDS_CACHE) $(BIN)/python -m pytest -n 2 -q -m "not slow" $(HELD)
	$(MAKE) older
	@echo "== all passed"

# The lowest gymnasium that is allowed and the one that RLlib asks for, and what lies between these and the newest.
OLDEST_GYMNASIUMS := 1.1.0 1.2.2
OLDER_GYMNASIUMS := $(OLDEST_GYMNASIUMS) 1.3.0
# What meets the field's packages, and takes seconds.
MEETS_GYMNASIUM := tests/test_env.py tests/test_vector_env.py tests/test_registration.py tests/test_forks.py \
	tests/evaluation/test_playing.py tests/evaluation/test_failures.py tests/agents/test_*.py
ON_GYMNASIUM = echo "== gymnasium $$version"; PYTHONPATH=$(CURDIR)/build/gymnasium-$$version $(BIN)/python -m pytest -n 2 -q

older: $(OLDEST_GYMNASIUMS:%=build/gymnasium-%/.installed)
	@for version in $(OLDEST_GYMNASIUMS); do $(ON_GYMNASIUM) -m "not slow" $(MEETS_GYMNASIUM) || exit 1; done

test-older: $(OLDER_GYMNASIUMS:%=build/gymnasium-%/.installed)
	@for version in $(OLDER_GYMNASIUMS); do $(ON_GYMNASIUM) || exit 1; done

build/gymnasium-%/.installed: $(INSTALLED)
	$(BIN)/python -m pip install --quiet --no-deps --upgrade --target $(@D) gymnasium==$*
	@touch $@

lint: $(INSTALLED)
	@echo "== lint"
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(INSTALLED)
	@echo "== types"
	$(BIN)/mypy

docs: $(INSTALLED)
	@echo "== documentation"
	$(BIN)/python -m sphinx --fail-on-warning --keep-going --quiet --builder html docs build/docs

bench: $(INSTALLED)
	$(BIN)/python -m benchmarks

# POLICIES: what is compared with the hand-coded rules; several runs of one kind are shown with their mean.
POLICIES ?= pretrained/deadline pretrained/deadline-1 pretrained/deadline-2

report: $(INSTALLED)
	$(BIN)/python -m benchmarks.studies.cant_be_late --policies $(POLICIES)

# RECORDINGS: the folder of SkyServe's own recordings, where there is one.
report-services: $(INSTALLED)
	$(BIN)/python -m benchmarks.studies.services --report $(if $(RECORDINGS),--recordings $(RECORDINGS))

# Leaves .venv and runs/, which took long to make.
clean:
	rm -rf build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -path ./$(VENV) -prune -o -type d -name __pycache__ -exec rm -rf {} +

# torch first, alone: it is the largest download, and a failure there should show at once.
$(INSTALLED): pyproject.toml constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "== installing into $(VENV)"
	$(BIN)/python -m pip install --quiet --constraint constraints.txt torch==2.13.0
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[train,test,docs]'
	@touch $@
