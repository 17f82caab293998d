# SPDX-License-Identifier: MIT
# `make` alone lists the verbs. Every verb that needs .venv makes it first, or renews it when
# pyproject.toml or constraints.txt changed.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

BIN := .venv/bin
STAMP := .venv/.stamp
# Native libraries that each start a thread a core fight with each other on a small machine; torch,
# ONNX Runtime and CP-SAT are told their threads in code.
export OMP_NUM_THREADS ?= 1
export OPENBLAS_NUM_THREADS ?= 1
export MKL_NUM_THREADS ?= 1
# Without a display, and without asking whether there is one.
export MPLBACKEND ?= Agg
# Test processes. More than cores would make tests with a time limit fail for no fault of theirs.
WORKERS ?= 2

.PHONY: help setup demo test test-slow check layers size fix bench evidence evidence-learning evidence-teams evidence-safety evidence-caution \
	evidence-verdicts evidence-kill docs golden nojit peers clean

help: ## List the verbs
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMP) ## Make or renew .venv, pinned by constraints.txt

# The mark .installing means that an earlier setup was killed: run it again, whatever the dates say.
$(STAMP): pyproject.toml constraints.txt $(if $(wildcard .venv/.installing),interrupted)
	@tools/setup.sh

.PHONY: interrupted
interrupted:

demo: $(STAMP) ## The whole main job on the shipped workbook, at most 4 minutes
	@$(BIN)/flyball demo

test: $(STAMP) ## Run the tests, at most 6 minutes (WORKERS=0: in one process)
	@$(BIN)/python -m pytest -q -n $(WORKERS) --dist loadfile

test-slow: $(STAMP) ## Run the tests that learn or measure, minutes each
	@$(BIN)/python -m pytest -q -m slow

check: $(STAMP) ## Style, types, layers, sizes and mirror, under a minute
	@failed=; for tool in "ruff check -q --output-format concise" "ruff format -q --check --output-format concise" mypy \
		"lint-imports --no-logo" "python tools/size.py" "python tools/mirror.py"; do \
		echo "check: $$tool"; $(BIN)/$$tool || failed="$$failed '$$tool'"; \
	done; [ -z "$$failed" ] || { echo "check: failed:$$failed" >&2; exit 1; }

layers: $(STAMP) ## Who may import whom
	@$(BIN)/lint-imports --no-logo

size: $(STAMP) ## Lines of every room, and what is too long
	@$(BIN)/python tools/size.py

fix: $(STAMP) ## Let ruff mend what it can
	@$(BIN)/ruff check --fix --exit-zero
	@$(BIN)/ruff format

LONG := adversary caution verdicts kill parity team_learning safe_learning
bench: $(STAMP) ## Run every benchmark but those with a target of their own, one JSON line a figure
	@for script in $(filter-out $(foreach name,$(LONG),benchmarks/%$(name).py),$(wildcard benchmarks/*.py)); do echo "# $$script" >&2; $(BIN)/python "$$script"; done

evidence: $(STAMP) ## List figures that miss their target or are out of date
	@$(BIN)/python tools/evidence.py

evidence-learning: $(STAMP) ## Missing runs against Stable-Baselines3 (hours, resumable), then their table
	@$(BIN)/python -m pip install -q -e '.[mujoco]' -c constraints.txt
	@$(BIN)/python -W ignore benchmarks/learning_parity.py --run peer ours > /dev/null
	@$(BIN)/python tools/evidence.py record learning_parity \
		--rooms learning/ppo learning/a2c learning/dqn learning/sac interop/incoming worlds/classics/env \
		--seeds 1 2 3 4 5 6 7 8 9 10 -- benchmarks/learning_parity.py

evidence-teams: $(STAMP) ## Missing runs of teams and of independent learners (an hour, resumable), then their table
	@$(BIN)/python benchmarks/team_learning.py --run > /dev/null
	@$(BIN)/python tools/evidence.py record team_learning \
		--rooms learning/qmix learning/maddpg worlds/classics/env --seeds 1 2 3 4 5 -- benchmarks/team_learning.py

evidence-safety: $(STAMP) ## Adversaries against every certified plant, then their table (half an hour)
	@$(BIN)/python tools/evidence.py record safety_adversary --rooms safety worlds/classics \
		--seeds 0 1 2 3 4 -- -W ignore benchmarks/safety_adversary.py

evidence-caution: $(STAMP) ## Missing runs of learning under limits (half an hour, resumable), then their table
	@$(BIN)/python tools/evidence.py record safe_learning --rooms safety learning worlds/classics \
		--seeds 1 2 3 -- -W ignore benchmarks/safe_learning.py

evidence-verdicts: $(STAMP) ## Releases of made-up plants, judged ten thousand times, then their table (10 minutes)
	@$(BIN)/python tools/evidence.py record verdicts --rooms releases/verdicts \
		--seeds 2026 -- benchmarks/verdicts.py

evidence-kill: $(STAMP) ## A server killed a thousand times under load, then its table (10 minutes)
	@$(BIN)/python tools/evidence.py record kill --rooms serving releases safety \
		--seeds 1 -- -W ignore benchmarks/serving_kill.py

docs: $(STAMP) ## Run every code block of the tutorials and how-to pages
	@$(BIN)/python tools/docs.py

golden: $(STAMP) ## Write the golden traces anew; read the diff before you commit it
	@$(BIN)/python -m pytest -q --golden -k golden

nojit: $(STAMP) ## Coverage of core and worlds with the compiler off, at least 90 %
	@NUMBA_DISABLE_JIT=1 $(BIN)/python -m pytest -q -n $(WORKERS) --dist loadfile tests/core tests/worlds \
		--cov=flyball.core --cov=flyball.worlds.jobshop --cov-report=term-missing:skip-covered \
		--cov-fail-under=90

peers: ## Make .venv-peers, -learning and -safety, where benchmarks meet rivals with pins of their own
	@tools/peers.sh

clean: ## Remove caches; environments and runs stay
	@find . -path ./.venv -prune -o -path ./.venv-peers -prune -o -path ./.venv-peers-learning -prune \
		-o -path ./.venv-peers-safety -prune -o -name __pycache__ -type d -print0 \
		| xargs -0 rm -rf
	@rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage* htmlcov
