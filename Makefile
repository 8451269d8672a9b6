# The commands of this repository. They need make, Python 3.11 or newer with venv, and a network for
# the first sync; uv is fetched into .uv/ when it is not on PATH. Nothing is installed outside here.

SHELL := /bin/sh
.DEFAULT_GOAL := help

PYTHON ?= python3
SYSTEM ?= shop
# A test file stays on one worker, and cheap files come first. A worker that crashes ends the run:
# pytest-xdist hands the rest of its file to nobody and waits for ever. Two workers more than there are
# cores: tests of whole systems mostly wait.
JOBS ?= $(shell expr $$(nproc 2>/dev/null || echo 2) + 2)
WORKERS = -n $(JOBS) --dist loadfile --no-loadscope-reorder --max-worker-restart 0

# Behind a proxy that signs with its own CA, pip and uv trust only what these name. They are set from
# the system's bundle where the environment says nothing, as under `env -i`.
CA_BUNDLE := $(firstword $(wildcard /etc/ssl/certs/ca-certificates.crt \
	/etc/pki/tls/certs/ca-bundle.crt /etc/ssl/ca-bundle.pem))
ifneq ($(CA_BUNDLE),)
export SSL_CERT_FILE ?= $(CA_BUNDLE)
export PIP_CERT ?= $(CA_BUNDLE)
endif

# Images set it; here it has each worker of the tests compile 500 modules again.
unexport PYTHONDONTWRITEBYTECODE

PACKAGES := src/tarmac kit/tarmac_kit kit-testing/tarmac_kit_testing $(wildcard services/*/tarmac_*) examples/extension/tarmac_example

.PHONY: help up down test test-slow test-all tools check bench audit release hooks docs site clean sync lint types

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

up: sync ## start the shop and wait until all of it is healthy (SYSTEM=name for another)
	@.venv/bin/tarmac up $(SYSTEM) -d

down: sync ## stop it; its data stays
	@.venv/bin/tarmac down $(SYSTEM)

ifdef SERVICE
test: sync
	.venv/bin/pytest services/$(SERVICE)/tests --cov=tarmac_$(SERVICE) --cov-report=term-missing $(ARGS)
else
test: sync ## the tests of every part, in minutes (SERVICE=orders: one service's, with coverage)
	.venv/bin/pytest $(WORKERS) --presubmit $(ARGS)
endif

test-slow: sync ## the slow tests of one topic: TOPIC=cluster (without it: lists the topics)
	@.venv/bin/python .ci/topics.py $(or $(TOPIC),?) -- $(WORKERS) $(ARGS)

test-all: sync lint types ## all checks, then every test, topic by topic (make tools first)
	.venv/bin/python .ci/topics.py -- $(WORKERS) $(ARGS)

tools: sync ## bring the programs that slow tests use, into a cache outside of this folder
	.ci/bring

check: sync lint types ## format, lint, types, import rule, commit messages, architecture tests
	.venv/bin/pytest -q tests/architecture

bench: sync ## measure, and write bench/results.md
	.venv/bin/python -m bench.run $(ARGS)

audit: sync ## look up known vulnerabilities of every locked dependency, in the package index
	.venv/bin/python .ci/audit.py $(ARGS)

release: sync ## audit every dependency, then build wheels, SBOM and licences into dist/, and try them
	.venv/bin/python .ci/audit.py --complete $(ARGS)
	@.ci/release

hooks: ## have git check each commit message
	@git config core.hooksPath .githooks
	@echo "git now runs .githooks/commit-msg on every commit of this clone"

docs: .venv/bin/python ## write the generated pages under docs/reference/
	.venv/bin/python docs/generate.py

site: sync ## build the documentation site into dist/site/
	.venv/bin/python docs/build_site.py

clean: ## remove what make has built; the systems' data in .tarmac/ stays
	rm -rf .venv .uv .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .npm .hypothesis .coverage dist
	find src kit kit-testing services tests bench docs .githooks -name __pycache__ -type d -prune -exec rm -rf {} +

# A new service is in no lock yet, and the pages are what writes the lists that the lock is made from.
.venv/bin/python:
	@.ci/sync

lint: sync
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy $(PACKAGES) $(wildcard systems/*/*.py docs/*.py) bench conftest.py .ci/*.py .githooks/commit_message.py
	.venv/bin/lint-imports --no-logo
	.venv/bin/python .githooks/commit_message.py --history

# The dashboard's scripts; where there is no Node this says so.
types: sync
	.ci/types

sync:
	@PYTHON=$(PYTHON) .ci/sync
