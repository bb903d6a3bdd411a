# SPDX-License-Identifier: MIT OR Apache-2.0
# Builds, shows, checks and tests the project. Needed: a Rust toolchain with cargo, rustfmt and
# clippy, a C compiler, Python 3.11 or newer, git and make; the rest is installed into `.venv`.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c

PYTHON ?= python3
VENV := .venv
DIST := dist
# Where `make capi` installs.
PREFIX ?= /usr/local
# Where a wheel lies before it is packed tighter.
LOOSE := target/wheel
BIN := $(VENV)/bin
# The same interpreter for every build, so that none undoes the work of another.
export PYO3_PYTHON := $(CURDIR)/$(BIN)/python
export PIP_DISABLE_PIP_VERSION_CHECK := 1

RUST := Cargo.toml Cargo.lock $(shell find rust -name '*.rs' -o -name Cargo.toml)
OURS := --workspace --locked --exclude e2ee-python --exclude e2ee-extension
CONFORMANCE := e2ee-conformance
INTEROP := tests.interop.run
INTEROP_SHORT := --conversations 200 --size 30
MATRIX_SHORT := --conversations 100
STREAMS := tests.interop.streams
MATRIX := tests.interop.matrix_talk
TELEGRAM := tests.interop.telegram_talk
TELEGRAM_SHORT := --conversations 30
PROGRAMS := tests.interop.matrix_tests
MOVES := tests.interop.matrix_stores
EXAMPLE := tests.interop.telegram_example
CLIENTS := tests.interop.telegram_tests
ASSURANCE := --hypothesis-profile=assurance
GATES := tests.assurance
CRASHES := tests/model/test_replay.py tests/stores/test_exactly_once.py
FUZZ_EXECUTIONS ?= 10000000
# The tests of a file stay together, as they share what is costly to make.
SIDE_BY_SIDE := --numprocesses auto --maxprocesses 4 --dist loadfile
# By their names, the tests that need a database.
DATABASE := tests/stores tests/api -k 'database or postgres or failover or fleet or many_workers or exactly_once'
# The table at the end says more than the plugin's own.
BENCH := --benchmark-quiet --benchmark-autosave
# Built first: the benches run it beside their own rows.
LIMIT := cargo bench --locked -p e2ee-primitives --bench limit --no-run
# Libraries that `make bench` shows beside ours.
PEERS := vodozemac olm omemo nacl telegram telethon
LEFT_OUT = echo "$(1): left out: $(2)"

.PHONY: help
help: ## say what the targets do
	@sed -nE 's/^([a-z-]+):.*## (.*)$$/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

.PHONY: demo
demo: $(VENV)/.extension ## show a whole conversation over a carrier that loses and corrupts
	$(BIN)/e2ee demo

.PHONY: test
test: $(VENV)/.extension $(VENV)/.dev ## run all tests, with the counts of the conformance vectors
	cargo test $(OURS) --exclude $(CONFORMANCE)
	cargo test --locked -p $(CONFORMANCE) -- --nocapture --test-threads=1
	$(BIN)/python -m pytest $(SIDE_BY_SIDE)

.PHONY: check
check: $(VENV)/.extension $(VENV)/.dev ## check format, lint, types, layers and hygiene
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/stubtest e2ee._core
	$(BIN)/python -m pytest tests/hygiene

.PHONY: wheel
wheel: $(VENV)/.wheel ## build the wheel for this machine into dist
	rm -rf $(LOOSE)
	VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/maturin build --release --locked --out $(LOOSE)
	$(BIN)/python -m tools.wheel $(LOOSE)/*.whl
	mkdir -p $(DIST) && mv $(LOOSE)/*.whl $(DIST)

.PHONY: capi
capi: ## build the C library, and install it with its headers below PREFIX
	cargo build --release --locked -p e2ee-capi
	$(PYTHON) tools/install_capi.py target/release $(PREFIX)

.PHONY: capi-test
capi-test: $(VENV)/.extension $(VENV)/.dev ## prove the C library by use, from C, Python, Go and Node
	$(BIN)/python -m tests.capi

.PHONY: bench
bench: $(VENV)/.extension $(VENV)/.peers ## measure, beside the limit and beside others
	$(LIMIT)
	$(BIN)/python -m pytest benches $(BENCH)
	$(BIN)/python -m benches.records
	$(BIN)/python -m benches.database
	$(BIN)/python -m benches.aio
	$(BIN)/python -m benches.sealing

.PHONY: bench-check
bench-check: $(VENV)/.extension $(VENV)/.bench ## compare with the baseline, as ratios to the limit
	$(LIMIT)
	$(BIN)/python -m benches.check

.PHONY: ci-extra
ci-extra: $(VENV)/.extension $(VENV)/.bench $(VENV)/.postgres ## compare speed with the baseline, run a database and short gates, and say what is left out
	$(LIMIT)
	timeout 120 $(BIN)/python -m benches.check
	timeout 300 $(BIN)/python -m $(INTEROP) $(INTEROP_SHORT) --optional
	timeout 300 $(BIN)/python -m $(STREAMS) --optional
	timeout 120 $(BIN)/python -m $(MATRIX) $(MATRIX_SHORT) --optional
	timeout 120 $(BIN)/python -m $(TELEGRAM) $(TELEGRAM_SHORT) --optional
	timeout 120 $(BIN)/python -m $(MOVES) --rounds 1 --optional
	timeout 120 $(BIN)/python -m $(EXAMPLE) --optional
	timeout 180 $(BIN)/python -m $(CLIENTS) --optional
	E2EE_REQUIRE_POSTGRES=1 $(BIN)/python -m pytest $(SIDE_BY_SIDE) $(DATABASE)
	timeout 900 $(BIN)/python -m $(GATES) --short
	@$(call LEFT_OUT,tests of mautrix and checks of matrix-nio,they are part of the long interop)
	@$(call LEFT_OUT,ARM,two builds and their emulation take as long as all else here; see make arm)

.PHONY: interop
interop: $(VENV)/.extension ## talk with the reference client, tink, vodozemac, libolm and Telethon at random, run other programs over ours; needs Node and npm
	$(BIN)/python -m $(INTEROP) --conversations 2500 --messages 220000 --size 100
	$(BIN)/python -m $(STREAMS) --rounds 3000
	$(BIN)/python -m $(MATRIX) --conversations 1200
	$(BIN)/python -m $(TELEGRAM) --conversations 1000
	$(BIN)/python -m $(PROGRAMS)
	$(BIN)/python -m $(MOVES)
	$(BIN)/python -m $(EXAMPLE) --rounds 30
	$(BIN)/python -m $(CLIENTS)

.PHONY: interop-short
interop-short: $(VENV)/.extension ## the same for less than a minute
	$(BIN)/python -m $(INTEROP) $(INTEROP_SHORT)
	$(BIN)/python -m $(STREAMS)
	$(BIN)/python -m $(MATRIX) $(MATRIX_SHORT)
	$(BIN)/python -m $(TELEGRAM) $(TELEGRAM_SHORT)
	$(BIN)/python -m $(MOVES) --rounds 1
	$(BIN)/python -m $(EXAMPLE)

.PHONY: assurance
assurance: $(VENV)/.extension $(VENV)/.postgres ## run model, gates, properties and fuzz targets for hours, the core optimised, a file of 4 GiB
	cargo test $(OURS) --release
	$(BIN)/python -m tests.model --large
	$(BIN)/python -m $(GATES)
	$(BIN)/python -m pytest tests/properties $(CRASHES) -s $(ASSURANCE)
	$(BIN)/python benches/attachment.py
	fuzz/run $(FUZZ_EXECUTIONS)

.PHONY: assurance-short
assurance-short: $(VENV)/.extension $(VENV)/.postgres ## run the gates of the stores for some minutes
	$(BIN)/python -m $(GATES) --short

.PHONY: wheels
wheels: $(VENV)/.release ## build, examine and test what is released for Linux into dist
	$(BIN)/python -m tools.wheels --out $(DIST)

.PHONY: sdist
sdist: $(VENV)/.release ## make the source distribution in dist, and build it without a network
	$(BIN)/python -m tools.sdist --out $(DIST)

.PHONY: repro
repro: $(VENV)/.release ## build the last commit twice, as differently as can be, and compare
	$(BIN)/python -m tools.repeat

.PHONY: arm
arm: $(VENV)/.release ## run the vectors and short properties on emulated ARM processors
	$(BIN)/python -m tests.levels arm

.PHONY: x86-levels
x86-levels: $(VENV)/.extension $(VENV)/.release ## run the same on emulated x86 processors without the newest instructions
	$(BIN)/python -m tests.levels x86

.PHONY: clean
clean: ## remove all that was built
	cargo clean
	rm -rf $(VENV) $(DIST) .interop .matrix .telegram .clients .tink .cross .mypy_cache .ruff_cache .pytest_cache .hypothesis .benchmarks
	rm -f python/e2ee/_core*.so

# Each stamp is a step that need not be done again until what it depends on changes.

$(VENV)/.created:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	touch $@

$(VENV)/.build $(VENV)/.wheel $(VENV)/.dev $(VENV)/.bench $(VENV)/.postgres $(VENV)/.release: $(VENV)/.%: $(VENV)/.created pyproject.toml
	$(BIN)/python -m pip install --quiet --group $*
	touch $@

$(VENV)/.peers: $(VENV)/.bench
	for peer in $(PEERS); do \
	  $(BIN)/python -m pip install --quiet --group peer-$$peer || $(call LEFT_OUT,$$peer,it cannot be installed); \
	done
	touch $@

# Python sources are used where they lie; only Rust has to be built.
$(VENV)/.extension: $(VENV)/.build $(RUST) pyproject.toml
	VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/maturin develop --release --locked
	touch $@
