# The commands of daily work, each a thin line over CMakePresets.json and tools/; `make` lists them.
# A second run repeats nothing that the first one did: no apt-get call, no configure step.

.DEFAULT_GOAL := help
.PHONY: help setup bench build test sanitize check tidy format clean

JOBS ?= $(shell nproc)
ARGS ?=

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install missing packages, as root or with sudo; tools/setup --list names them
	@tools/setup --quiet

bench: build/build.ninja ## build the program, then compare the variants; options in ARGS="--config medium"
	@cmake --build --preset release --target bench_moe_variants
	@build/bin/bench_moe_variants $(ARGS)

build: build/build.ninja ## build everything; programs land in build/bin
	@cmake --build --preset release

test: build ## build and run every test
	@tools/gpu_check --stale
	@ctest --preset release --parallel $(JOBS)

sanitize: build-sanitize/build.ninja ## every test under address and undefined-behaviour sanitizers
	@cmake --build --preset sanitize
	@ctest --preset sanitize --parallel $(JOBS)

check: ## what a change must pass: format, layers, headers, tests
	@tools/check

tidy: build ## clang-tidy over src, programs and examples (minutes)
	@tools/check --tidy

format: ## rewrite sources as .clang-format says
	@tools/check --fix

clean: ## remove what was built; results/ stays
	rm -rf build build-sanitize build-debug build-fuzz

build/build.ninja: | setup
	@cmake --preset release

build-sanitize/build.ninja: | setup
	@cmake --preset sanitize
