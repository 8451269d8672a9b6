# The commands of this repository. They need make, Python 3.11 or newer with venv, and a network for
# the first sync; uv is fetched into .uv/ when it is not on PATH. Nothing is installed outside here.

SHELL := /bin/sh
.DEFAULT_GOAL := help

PYTHON ?= python3
SYSTEM ?= shop

# Behind a proxy that signs with its own CA, pip and uv trust only what these name. They are set from
# the system's bundle where the environment says nothing, as under `env -i`.
CA_BUNDLE := $(firstword $(wildcard /etc/ssl/certs/ca-certificates.crt \
	/etc/pki/tls/certs/ca-bundle.crt /etc/ssl/ca-bundle.pem))
ifneq ($(CA_BUNDLE),)
export SSL_CERT_FILE ?= $(CA_BUNDLE)
export PIP_CERT ?= $(CA_BUNDLE)
endif

PACKAGES := src/tarmac kit/tarmac_kit $(wildcard services/*/tarmac_*)

.PHONY: help up down test check bench audit hooks docs clean sync lint

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

up: sync ## start the shop and wait until all of it is healthy (SYSTEM=name for another)
	@.venv/bin/tarmac up $(SYSTEM) -d

down: sync ## stop it; its data stays
	@.venv/bin/tarmac down $(SYSTEM)

ifdef SERVICE
test: sync
	.venv/bin/pytest services/$(SERVICE)/tests --cov=tarmac_$(SERVICE) --cov-report=term-missing $(ARGS)
else
test: sync lint ## all checks, then every test (SERVICE=orders: one service's tests with coverage)
	.venv/bin/pytest $(ARGS)
endif

check: sync lint ## format, lint, types, import rule, commit messages, architecture tests
	.venv/bin/pytest -q tests/architecture

bench: sync ## measure, and write bench/results.md
	.venv/bin/python -m bench.run $(ARGS)

audit: sync ## look up known vulnerabilities of every locked dependency (asks osv.dev)
	@UV=$$(command -v uv || echo .uv/bin/uv); $$UV audit --frozen --preview-features audit-command

hooks: ## have git check each commit message
	@git config core.hooksPath .githooks
	@echo "git now runs .githooks/commit-msg on every commit of this clone"

docs: sync ## write the generated pages under docs/reference/
	.venv/bin/python docs/generate.py

clean: ## remove what make has built; the systems' data in .tarmac/ stays
	rm -rf .venv .uv .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .coverage dist
	find src kit services tests bench docs .githooks -name __pycache__ -type d -prune -exec rm -rf {} +

lint: sync
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy $(PACKAGES) $(wildcard systems/*/*.py docs/*.py) bench conftest.py .githooks/commit_message.py
	.venv/bin/lint-imports --no-logo
	.venv/bin/python .githooks/commit_message.py --history

sync:
	@PYTHON=$(PYTHON) .ci/sync
