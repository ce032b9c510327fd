# What a developer types. Everything uses .venv, made by ./run-tests or "make prepare".
.DEFAULT_GOAL := check
BIN := .venv/bin
CODE := src/pyganeti tests tools $(wildcard benchmarks/*.py)
# Programs of their own that run on nodes without the package.
ALONE := os/image/image_os
# Scripts in Python without a suffix, which the tools would not look at by themselves.
SCRIPTS := quickstart

# A cluster of emulated machines keeps hardly more than one processor busy: two at a time.
LAB := $(BIN)/pytest -n 2 --maxschedchunk 1

.PHONY: help prepare deb check format lint types layers test docs fix fuzz e2e lab lab-pass lab-soak lab-shell bench bench-lab soak swap

help: ## list the goals
	@sed -n 's/^\([a-z0-9]*\):.*## /\1\t/p' Makefile | expand -t 10

prepare: ## install packages, make .venv and fetch what e2e tests boot
	python3 -m tests.e2e.prepare

deb: ## the packages for Debian 12, in dist/; "make prepare" comes first
	$(BIN)/python -m tools.deb

check: format lint types layers docs test ## all that needs no daemon: the gate for every commit

format:
	$(BIN)/ruff format --check $(CODE) $(ALONE) $(SCRIPTS)

lint:
	$(BIN)/ruff check $(CODE) $(ALONE) $(SCRIPTS)

types:
	$(BIN)/mypy $(CODE)
	$(BIN)/mypy $(SCRIPTS)
	MYPYPATH=$(ALONE) $(BIN)/mypy $(ALONE)

layers:
	$(BIN)/lint-imports

docs:
	$(BIN)/python -m tools.check_docs

test:
	$(BIN)/pytest -n auto --dist loadfile tests/unit tests/contract tests/sim

fix: ## format, and repair what a tool can repair
	$(BIN)/ruff check --fix $(CODE) $(ALONE) $(SCRIPTS) || true
	$(BIN)/ruff format $(CODE) $(ALONE) $(SCRIPTS)

fuzz: ## bad input for all that reads from outside, a minute each; findings become tests
	$(BIN)/python -m tests.fuzz $(FUZZ)

e2e: ## real daemons, QEMU guests, on this machine; needs root
	$(BIN)/pytest -n auto --dist loadfile tests/e2e

lab: ## real LVM, DRBD and KVM on emulated nodes; needs root, fetches packages once
	$(BIN)/python -m tests.lab.prepare
	$(LAB) tests/lab

lab-pass: ## the part of lab that belongs to every change
	$(BIN)/python -m tests.lab.prepare
	$(LAB) tests/lab/test_plain.py tests/lab/test_moving.py

lab-soak: ## the long random runs of lab
	$(BIN)/python -m tests.lab.prepare
	$(LAB) -m soak tests/lab

lab-shell: ## a fresh lab node to work on by hand: make lab-shell NODES=2
	$(BIN)/python -m tests.lab.prepare
	$(BIN)/python -m tools.lab.shell $(NODES)

bench: ## measured figures, each beside its target
	$(BIN)/python -m benchmarks.run

bench-lab: ## what our commands cost beside the same done by hand, on emulated machines
	$(BIN)/python -m tests.lab.prepare
	$(BIN)/python -m benchmarks.lab

swap: ## Debian's Ganeti replaced by our packages, and back; needs root
	$(BIN)/pytest -m swap tests/e2e

soak: ## long random runs
	$(BIN)/pytest -m soak tests/unit tests/contract tests/sim tests/e2e
