# Every target has a `## ` line; `make` alone lists them. What a target needs is set up by itself, once.

PYTHON ?= python3
VENV ?= .venv
WORKERS ?= 6
# one more than there are processors: some tests wait for a moment
BUSY := $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)
BASE_IMAGE ?= python:3.13-slim
BUILD_IMAGE ?= $(BASE_IMAGE)
IMAGE ?= hotfix-operator:dev
REVISION ?= $(shell git rev-parse HEAD 2>/dev/null || echo unknown)

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps
INSTALL := $(PIP) --require-hashes -r requirements-dev.lock && $(PIP) --editable .
SYSTEM_CERTIFICATES := $(PYTHON) -c 'import ssl; paths = ssl.get_default_verify_paths(); print(paths.cafile or paths.capath or "")'
READY := $(VENV)/.ready-$(shell cksum requirements-dev.lock pyproject.toml 2>/dev/null | cksum | cut -d' ' -f1)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

.PHONY: help
help: ## List what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# ---- set-up

$(READY): requirements-dev.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 or newer is missing: install it, or name it: make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "$(PYTHON) is $$($(PYTHON) -V 2>&1); 3.11 or newer is needed: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
		|| { echo "$(PYTHON) cannot make virtual environments: install its venv package (for example: apt-get install python3-venv)" >&2; exit 1; }
	@echo "setting up $(VENV): about $$(grep -c '^[a-z0-9].*==' requirements-dev.lock) packages (once only, a minute or two)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@# the lock names everything, so nothing is resolved: pip would look beyond it for an extra of a locked package
	@$(INSTALL) || { echo "once more, with the certificates that this system trusts: pip's own know none of a company's proxy" >&2; \
		export PIP_CERT="$${PIP_CERT:-$$($(SYSTEM_CERTIFICATES))}"; $(INSTALL); }
	@$(BIN)/python -m pip check --disable-pip-version-check
	@rm -f $(VENV)/.ready-*
	@touch $@

.PHONY: setup
setup: $(READY) ## Make the virtual environment .venv from the lock file (other targets do it too)

# ---- what a newcomer runs

.PHONY: demo
demo: $(READY) ## Watch a good hotfix be promoted and a bad one rolled back, under load (KEEP=1: the cluster stays)
	@$(BIN)/python -m tests.demo

.PHONY: test
test: test-fast ## Run all tests, on an embedded cluster too (WORKERS=6 stories side by side)
	@echo "nets: every cell, a crash at every request, 5,000 simulated rollouts, planted bugs (about half an hour on two slow cores)"
	@$(BIN)/pytest -m "net and not cluster" -n $(BUSY) --dist worksteal -q
	@echo "tests on embedded clusters (their programs are built once, which takes 8 to 22 minutes)"
	@$(BIN)/pytest -m cluster -n $(WORKERS) --dist worksteal

.PHONY: cluster
cluster: $(READY) ## Keep an embedded cluster up, and say how to reach it with kubectl
	@$(BIN)/python -m tests.cluster up

# ---- what a change must pass: `make check test`, which runs the tests that both need once

.PHONY: check
check: lint test-fast ## Lint, types, import contracts, generated files, coverage of the core

.PHONY: lint
lint: $(READY) ## Lint, types, import contracts
	@echo "ruff"; $(BIN)/ruff check . && $(BIN)/ruff format --check .
	@echo "mypy"; $(BIN)/mypy
	@echo "import contracts"; $(BIN)/lint-imports

.PHONY: test-fast
test-fast: $(READY) ## Run the tests that need no cluster; every branch of the core must be covered by them
	@echo "tests without a cluster, with the coverage of the core"
	@$(BIN)/pytest -m "not cluster and not net" -n $(BUSY) --dist worksteal -q --cov --cov-report=term

.PHONY: format
format: $(READY) ## Format the code, and mend what can be mended by itself
	@$(BIN)/ruff check --fix . && $(BIN)/ruff format .

.PHONY: crd
crd: $(READY) ## Generate crds/hotfixrollout.yaml from the models
	@$(BIN)/kubectl-hotfix crd > crds/.hotfixrollout.yaml && mv crds/.hotfixrollout.yaml crds/hotfixrollout.yaml
	@echo "crds/hotfixrollout.yaml is what operator/hotfix/core says"

.PHONY: docs
docs: $(READY) ## Draw docs/metrics.md, reasons.md, state-machine.md, telemetry.md and parts of decision.md from code and recorded data
	@$(BIN)/python -m tests.docs.generate

.PHONY: lock
lock: $(READY) ## Resolve the lock files anew from pyproject.toml
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		pyproject.toml --group dev --group cluster -o requirements-dev.lock
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		pyproject.toml -c requirements-dev.lock -o requirements.lock
	@git --no-pager diff --stat -- requirements.lock requirements-dev.lock

# ---- more than `make test` does

.PHONY: test-kind
test-kind: ## Tell the stories on a cluster of kind, with the image and deploy/ (KIND_IMAGE, WORKERS, ONLY="text of names")
	@# before anything is set up or built
	@{ docker version && command -v kind; } >/dev/null 2>&1 \
		|| { sed -n 's/^NEEDS_[A-Z]* = "\(.*\)"$$/\1/p' tests/cluster/kind/cluster.py >&2; exit 1; }
	@$(MAKE) --no-print-directory $(READY)
	@$(BIN)/python -m tests.cluster.kind

.PHONY: sim
sim: $(READY) ## Simulate rollouts with faults through the production reconcile (N=5000 of them from SEED=0; PAIRS=1: two on one route)
	@$(BIN)/python -m tests.simulation sim --count $(or $(N),5000) --seed $(or $(SEED),0) $(if $(PAIRS),--pairs)

.PHONY: replay
replay: $(READY) ## Tell the story of one simulated rollout (SEED=n; PAIRS=1: of two on one route)
	@$(BIN)/python -m tests.simulation replay $(or $(SEED),0) $(if $(PAIRS),--pairs)

.PHONY: soak
soak: $(READY) ## Promote and roll back on a cluster that is disturbed in every way (N=200 rollouts; ONLY=text of a disturbance)
	@$(BIN)/python -m tests.soak

.PHONY: mutants
mutants: $(READY) ## Plant bugs, and show which checker catches each
	@$(BIN)/python -m tests.simulation mutants

# ---- measured, and shipped

.PHONY: bench-decision
bench-decision: $(READY) ## Measure: quality of decisions in simulated worlds, beside threshold rules (N=500 rollouts a cell)
	@$(BIN)/python -m tests.bench.decision

.PHONY: calibrate
calibrate: $(READY) ## Measure: the stated risks of wrong answers, on their exact boundaries (ROLLOUTS=1000)
	@$(BIN)/python -m tests.bench.calibrate

.PHONY: bench-reaction
bench-reaction: $(READY) ## Measure: first bad answer to weight 0, good hotfix to 80 % of traffic, CPU, memory, requests
	@$(BIN)/python -m tests.bench.reaction

.PHONY: bench-urgency
bench-urgency: $(READY) ## Measure: seconds from apply to 80 % of traffic, for each urgency (RUNS=3)
	@$(BIN)/python -m tests.bench.urgency

.PHONY: bench-failover
bench-failover: $(READY) ## Measure: how long nobody decides when the leading replica ends or is killed (RUNS=3)
	@$(BIN)/python -m tests.bench.failover

.PHONY: bench-scale
bench-scale: $(READY) ## Measure: CPU, memory, requests, lateness with many live rollouts (ROLLOUTS="1 100 1000 5000" SECONDS=90)
	@$(BIN)/python -m tests.bench.scale

.PHONY: image
image: ## Build the container image (BASE_IMAGE, BUILD_IMAGE, IMAGE, DOCKER_BUILD_FLAGS)
	@command -v docker >/dev/null || { echo "docker is missing; any tool that builds a Dockerfile will do: see CONTRIBUTING.md" >&2; exit 1; }
	docker build $(DOCKER_BUILD_FLAGS) --build-arg BASE_IMAGE=$(BASE_IMAGE) --build-arg BUILD_IMAGE=$(BUILD_IMAGE) --build-arg REVISION=$(REVISION) --tag $(IMAGE) .

.PHONY: clean
clean: ## Remove what was made here (the cluster's programs stay in the user's cache)
	rm -rf $(VENV) .cache dist .coverage .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find operator tests -name __pycache__ -type d -prune -exec rm -rf {} +
