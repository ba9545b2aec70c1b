# Every target makes .venv if it is missing and installs once; nothing needs to be activated, all are safe to repeat.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
BOUNDS_CACHE := build/numba-bounds-checked

.DEFAULT_GOAL := test
.PHONY: train test older lint types docs bench report clean

train: $(INSTALLED)
	$(BIN)/python train.py

test: lint types docs
	@echo "== tests"
	$(BIN)/python -m pytest -n 2 -q
	@echo "== engine, not compiled"
	NUMBA_DISABLE_JIT=1 $(BIN)/python -m pytest -n 2 -q tests/engine
	@echo "== engine, compiled with bounds checks"
	NUMBA_BOUNDSCHECK=1 NUMBA_CACHE_DIR=$(CURDIR)/$(BOUNDS_CACHE) $(BIN)/python -m pytest -n 2 -q tests/engine
	$(MAKE) older
	@echo "== all passed"

# What meets the field's packages, on the lowest gymnasium that is allowed and on the one that RLlib asks for.
OLDER_GYMNASIUMS := 1.1.0 1.2.2
MEETS_GYMNASIUM := tests/test_env.py tests/test_vector_env.py tests/test_registration.py tests/agents/test_vec_env.py

older: $(INSTALLED)
	@for version in $(OLDER_GYMNASIUMS); do \
		echo "== gymnasium $$version"; \
		older=build/gymnasium-$$version; \
		test -d $$older || $(BIN)/python -m pip install --quiet --no-deps --target $$older gymnasium==$$version || exit 1; \
		PYTHONPATH=$$older $(BIN)/python -m pytest -n 2 -q $(MEETS_GYMNASIUM) || exit 1; \
	done

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
