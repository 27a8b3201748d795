# Passerelle. `make help` lists what there is.
SHELL := /bin/bash
VENV := .venv
PYTHON := $(VENV)/bin/python
comma := ,
LAB_SETTINGS := lab/.state/passerelle.toml
# The program, as it is installed from `make package`.
PASSERELLE := $(PYTHON) -m passerelle
# Of several sites the one that a command is for: make doctor SITE=NAME. Without it, drift and deploys take all.
SITE :=
SITES := $(if $(SITE),--site $(SITE))
PIP := $(PYTHON) -m pip install -qq --disable-pip-version-check --require-hashes

.PHONY: help demo test exhaustive faults security soak deploy drift doctor rotate teardown check lab lab-down package lint bench lock
.DEFAULT_GOAL := help

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/dev ## bring up the embedded stack, deploy on it, show notifications arriving
	@$(PASSERELLE) lab demo

test: $(VENV)/dev ## everything: linter, types, units, stand-ins, relays, then the deploy and its checks in the lab
	@tests/run

exhaustive: $(VENV)/dev ## every fault of the long tables, of the relays and in the lab (more than an hour)
	$(PYTHON) -m pytest -q -n 2 --exhaustive tests/unit tests/standins tests/relays tests/upgrades
	@$(PYTHON) -m lab up
	PASSERELLE_SETTINGS=$(LAB_SETTINGS) $(PYTHON) -m pytest -q --exhaustive tests/lab

faults: $(VENV)/dev ## every fault against the relays as processes, under load; counts what is lost, doubled, disordered
	@$(PYTHON) -m pytest -q tests/faults

security: $(VENV)/dev ## every attack against the relays as processes; a table of what each may cost and did cost
	@$(PYTHON) -m pytest -q --exhaustive tests/security

soak: $(VENV)/dev ## both relays under a steady load for MINUTES (30); fails if memory, descriptors, threads or spool grow
	@MINUTES=$(or $(MINUTES),30) $(PYTHON) -m pytest -q -s tests/soak

deploy: $(VENV)/deploy ## deploy the site that the settings describe (passerelle.toml or the environment)
	@$(PASSERELLE) deploy $(SITES)

rotate: $(VENV)/deploy ## replace every secret between the applications and the relays, losing no event
	@$(PASSERELLE) rotate $(SITES)

drift: $(VENV)/deploy ## each difference between the site and its description, expected and actual; changes nothing
	@$(PASSERELLE) drift $(SITES)

doctor: $(VENV)/deploy ## the first broken link between the applications, and its remedy; changes nothing
	@$(PASSERELLE) doctor $(SITES)

teardown: $(VENV)/deploy ## take away what Passerelle has made, and nothing else; shows it first and asks
	@$(PASSERELLE) teardown $(SITES)

check: $(VENV)/dev ## the acceptance checklist against the same site; report in evidence/
	@$(PASSERELLE) check $(SITES) $(CHECK)

lab: $(VENV)/dev ## bring up the embedded stack alone
	@$(PASSERELLE) lab up

lab-down: $(VENV)/dev ## remove the embedded stack with its data
	@$(PASSERELLE) lab down

package: $(VENV)/deploy ## the program as wheel and source archive in dist/, the same bytes from the same sources
	@$(PYTHON) -m hatchling build

lint: $(VENV)/dev ## linter, formatter and types
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy .

bench: $(VENV)/bench ## measure on this machine, into docs/benchmarks.md; ONLY=accept,growth measures these alone
	@$(PYTHON) -m bench $(subst $(comma), ,$(ONLY))

lock: $(VENV)/dev ## write the lock files anew from requirements/*.in
	@requirements/lock

# What the deploy needs, and what the lab and the tests need on top.
$(VENV)/bin/python:
	@command -v python3 >/dev/null || { echo "python3 is missing; install Python 3.11 or newer"; exit 1; }
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	    || { echo "python3 is older than 3.11; install a newer one"; exit 1; }
	@python3 -m venv $(VENV) >/dev/null 2>&1 \
	    || { [ "$$(id -u)" = 0 ] && apt-get update -qq && apt-get install -y -qq python3-venv >/dev/null \
	         && python3 -m venv --clear $(VENV); } \
	    || { echo "python3 has no venv; on Debian: apt install python3-venv"; exit 1; }
$(VENV)/deploy: requirements/deploy.txt | $(VENV)/bin/python
	@echo "installing what the deploy needs into $(VENV)"
	@$(PIP) -r $<
	@touch $@
$(VENV)/dev: requirements/dev.txt | $(VENV)/bin/python
	@echo "installing what the lab and the tests need into $(VENV)"
	@$(PIP) -r $<
	@touch $@
$(VENV)/bench: requirements/bench.txt $(VENV)/dev
	@echo "installing what the measurements need into $(VENV)"
	@$(PIP) -r $<
	@touch $@
