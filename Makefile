# Plaza on one machine. Everything that these targets need they fetch or build themselves.
.DEFAULT_GOAL := help
.PHONY: help run backends doctor stop reset audit migrate dead-letters chaos swap bench test test-of-races test-of-units test-of-faults test-of-shop test-of-second-stack test-unit test-containers lint lock openapi venv

PYTHON ?= python3
LOCAL := .venv/bin/python -m tools.local
UNIT_TESTS := tests/unit tests/contracts tests/workflows
# The technologies that a command is to use in place of those in dapr.yaml, or another run file:
# make run STATE=etcd PUBSUB=kafka, make run STACK=mix
WORDS = $(foreach word,STACK STATE PUBSUB SECRETS CACHE NAMES,$(if $(filter command line,$(origin $(word))),$(word)=$($(word))))

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: venv ## Start the whole shop, place a demo order, serve until Ctrl-C
	@$(LOCAL) run $(WORDS)

backends: venv ## Start the back ends alone, for a hand-typed 'dapr run -f .'
	@$(LOCAL) backends $(WORDS)

doctor: venv ## Look at versions, components, tokens, ports and back ends, and say what is wrong
	@$(LOCAL) doctor $(WORDS)

stop: venv ## Stop the shop, from another terminal or after a crash
	@$(LOCAL) stop

reset: venv ## Stop the shop and delete its data
	@$(LOCAL) reset

audit: venv ## Check the invariants over all that the running shop has stored
	@.venv/bin/python -m tools.audit

migrate: venv ## Move the stopped shop's state to another store (FROM=postgres TO=etcd)
	@.venv/bin/python -m tools.migrate --from '$(FROM)' --to '$(TO)' $(filter-out STATE=%,$(WORDS))

dead-letters: venv ## List the events that could not be handled; REPLAY= or DISCARD=, all or an id, tries again or forgets
	@.venv/bin/python -m tools.deadletters $(if $(REPLAY),--replay '$(REPLAY)') $(if $(DISCARD),--discard '$(DISCARD)')

chaos: venv ## Let a storm loose on a shop of its own (SEED=1 KILLS=10 ORDERS=300)
	@.venv/bin/python -m tools.storm $(WORDS)

swap: venv ## Run the same tests on every stack, or on some (STACKS="default kafka"), and print a table
	@.venv/bin/python -m tools.dapr >/dev/null
	@.venv/bin/python -m tools.swap $(STACKS)

bench: venv ## Measure a shop beside what Dapr alone would cost (JOBS=BROWSE,CHECKOUT PRODUCTS=10000 SCALE=0.2 REPLICAS=2 COMPARE='CMD')
	@.venv/bin/python -m tools.bench $(if $(COMPARE),--compare '$(COMPARE)') $(WORDS)

# Time to obtain Dapr and to start the shop is no test's: each is bounded by itself.
test: venv ## Run all tests with coverage, on shops of their own
	@.venv/bin/python -m tools.dapr >/dev/null
	@rm -f .coverage .coverage.*
	@mkdir -p .plaza
	@$(MAKE) --no-print-directory -j2 test-of-races test-of-units test-of-shop test-of-faults test-of-second-stack
	@.venv/bin/coverage combine -q .coverage.units .coverage.shop
	@.venv/bin/coverage report --fail-under=80

# Tests of shops wait for much, so two of these are run side by side; what some print comes at once, at their end. Races come first, since
# 500 orders at once and other shops that start and die would take each other's time. Coverage is measured where nothing is in a hurry: it
# is a fifth of an app's work. The two longest run beside each other, the second stack where one has ended.
PYTEST = .venv/bin/python -m pytest
MEASURED = --cov --cov-report=
ON_ONE_SHOP = tests/e2e/test_journey.py tests/e2e/test_dead_service.py
OF_SHOPS = -o timeout_func_only=true --durations=10
quietly = echo "tests of $(1): .plaza/$(1).log"; \
	$(PYTEST) $(2) >.plaza/$(1).log 2>&1 || { cat .plaza/$(1).log; exit 1; }; echo; tail -n 1 .plaza/$(1).log

test-of-units test-of-shop: export COVERAGE_FILE = .coverage.$(@:test-of-%=%)

test-of-races:
	@$(call quietly,races,tests/integration/test_races.py $(OF_SHOPS))

test-of-units:
	@$(call quietly,units,$(UNIT_TESTS) $(MEASURED))

test-of-shop:
	@$(PYTEST) $(MEASURED) $(ON_ONE_SHOP) tests/integration --ignore=tests/integration/test_races.py --ignore=tests/integration/outages $(OF_SHOPS)

test-of-faults:
	@$(call quietly,faults,tests/chaos tests/e2e tests/integration/outages $(ON_ONE_SHOP:%=--ignore=%) $(OF_SHOPS))

test-of-second-stack:
	@.venv/bin/python -m tools.swap --short etcd-nats

test-unit: venv ## Run the tests that need nothing running, in seconds
	@.venv/bin/python -m pytest $(UNIT_TESTS)

test-containers: venv ## Run them on servers from images, where a Docker engine is found
	@.venv/bin/python -m tools.containers

lint: venv ## Check style, types, walls between services, and drift of lock and OpenAPI
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports
	@PYTHON=$(PYTHON) tools/local/lock.sh --check
	@.venv/bin/python -m tools.openapi --check

lock: ## Renew requirements.lock from pyproject.toml
	@PYTHON=$(PYTHON) tools/local/lock.sh

openapi: venv ## Renew docs/openapi/ from the services
	@.venv/bin/python -m tools.openapi

venv:
	@PYTHON=$(PYTHON) tools/local/venv.sh
