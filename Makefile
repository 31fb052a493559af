# What people and CI call. `make demo` and `make test` do all of their set-up.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
DATA ?= demo-data
T ?= tests/unit
# Tests wait for databases, browsers and processes a good part of their time: two for each core of a small machine.
PROCESSES ?= 4
QUICK := $(addprefix tests/,unit meta org backup notify)

# Each process of the tests would compile the source and the tests anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help install demo test slow quick t check format audit bench requirements messages reference screenshots faults fuzz crash kills soak testbench mutants clean

help: ## This list
	@sed -n 's/^\([a-z][a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

# Both stamps name the requirement file they were made from: a changed pin installs anew.
$(VENV)/runtime.stamp: requirements/runtime.txt pyproject.toml
	@sh tools/make_venv.sh "$(PYTHON)" $(VENV) requirements/runtime.txt
	@touch $@

$(VENV)/dev.stamp: requirements/dev.txt $(VENV)/runtime.stamp
	@sh tools/make_venv.sh "$(PYTHON)" $(VENV) requirements/dev.txt
	@touch $@

install: $(VENV)/runtime.stamp ## What Rokuon needs to run, into .venv

demo: $(VENV)/runtime.stamp ## The console, and two years of recordings from a simulated Dialpad into ./demo-data/bucket (ARGS=--once: ends after the backup)
	@$(BIN)/rokuon demo --data $(DATA) $(ARGS)

test: check ## Lint, types, layers, then every test but the slow ones, in four processes (installs Chromium from Debian where there is none)
	@$(BIN)/python tools/chromium.py
	@$(BIN)/python -m pytest -n $(PROCESSES) --dist loadfile --no-loadscope-reorder -m "not slow and not alone" --durations=25 $(ARGS) || [ $$? = 5 ]
	@$(BIN)/python -m pytest -m "alone and not slow" --durations=25 $(ARGS) || [ $$? = 5 ]

quick: $(VENV)/dev.stamp ## The rules and the code near them, in less than a minute; no browser, no process
	@$(BIN)/python -m pytest -n 2 --dist loadfile -m "not slow" $(QUICK) $(ARGS)

t: $(VENV)/dev.stamp ## Some tests, without lint: make t T=tests/unit/test_retry.py ARGS="-k after -x"
	@$(BIN)/python -m pytest $(T) $(ARGS)

format: $(VENV)/dev.stamp ## Sort imports, fix what ruff can fix, format
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

check: $(VENV)/dev.stamp ## ruff, mypy strict, import-linter, messages, generated pages
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python tools/messages.py --check
	@$(BIN)/python tools/reference.py --check

audit: $(VENV)/dev.stamp ## Pinned packages against known vulnerabilities, offline (ROKUON_ADVISORIES names the data)
	@$(BIN)/python tools/audit.py $(ARGS)

bench: $(VENV)/dev.stamp ## Side by side with rclone (installs rclone and nginx from Debian)
	@$(BIN)/python -m bench $(ARGS)

faults: $(VENV)/dev.stamp ## Every test of the fault matrix (docs/design/failure-model.md), slow ones too
	@$(BIN)/python -m pytest $$(grep -oE 'tests/[a-z0-9_/]+\.py::[a-z0-9_]+' docs/design/failure-model.md | sort -u) $(ARGS)

slow: $(VENV)/dev.stamp ## The tests that `make test` leaves out
	@$(BIN)/python tools/chromium.py
	@$(BIN)/python -m pytest -m slow --durations=25 $(ARGS)

fuzz: $(VENV)/dev.stamp ## The property tests with many more examples
	@HYPOTHESIS_PROFILE=fuzz $(BIN)/python -m pytest tests/unit tests/dialpad tests/ledger tests/custody $(ARGS)

crash: $(VENV)/dev.stamp ## Kill workers two hundred times (TEST_SEED=N for another order)
	@TEST_KILLS=$${TEST_KILLS:-200} $(BIN)/python -m pytest tests/crash $(ARGS)

kills: $(VENV)/dev.stamp ## Kill each part of a running service again and again, and write docs/design/kills.md (ARGS="--times 10 --containers 20"); 200 containers of a database
	@TEST_KILLS=$${TEST_KILLS:-100} $(BIN)/python -m pytest tests/ops/test_folder_lock.py -k killed_hard
	@$(BIN)/python -m tools.kill_table $(ARGS)

mutants: $(VENV)/dev.stamp ## Plant the bugs of tools/mutants.toml and demand that a test notices each (ARGS="NAME..." for some, ARGS=--write for docs/design/mutants.md)
	@$(BIN)/python -m tools.mutants $(ARGS)

soak: $(VENV)/dev.stamp ## Two hundred storms of faults, each judged by the checker
	@TEST_STORMS=$${TEST_STORMS:-200} $(BIN)/python -m pytest tests/e2e/test_faults.py -k storm $(ARGS)

testbench: $(VENV)/dev.stamp ## Google's retry conformance cases against Rokuon's store (docs/design/google-conformance.md says what it needs)
	@$(BIN)/python -m tools.testbench

requirements: $(VENV)/dev.stamp ## Compile the hash-pinned requirement files anew
	@for name in runtime dev; do \
	  $(BIN)/uv pip compile -q --universal --generate-hashes --no-emit-index-url --python-version 3.11 \
	    --custom-compile-command "make requirements" requirements/$$name.in -o requirements/$$name.txt || exit 1; done

messages: $(VENV)/dev.stamp ## Extract and compile the texts (English in the source, Japanese in src/rokuon/locale)
	@$(BIN)/python tools/messages.py

reference: $(VENV)/dev.stamp ## Write docs/reference from the code
	@$(BIN)/python tools/reference.py

screenshots: $(VENV)/dev.stamp ## Pictures of every page of the console into docs/images/console (ARGS=overview for one), and of the mails
	@$(BIN)/python tools/chromium.py
	@$(BIN)/python -m tools.screenshots $(ARGS)
	@$(BIN)/python -m tools.mail_pictures

clean: ## Remove the environment and the demo
	@rm -rf $(VENV) $(DATA) bench-data
