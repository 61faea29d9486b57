# What a developer types; .ci/run types the same. `make help` lists it.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# Pinned tools, installed into .tools and nowhere else.
GOLANGCI_LINT_VERSION := v2.15.0
DYNOXIDE_VERSION := 1.2.1
SAM_VERSION := 1.170.0
CFN_LINT_VERSION := 1.58.0

tools := $(CURDIR)/.tools
golangci_lint := $(tools)/bin/golangci-lint
sam := SAM_CLI_TELEMETRY=0 SAM_CLI_CHECK_NEWER_VERSION=0 AWS_DEFAULT_REGION=eu-central-1 $(tools)/venv/bin/sam
# A stamp has the version in its name: another version is another file, and is installed.
golangci_lint_stamp := $(tools)/golangci-lint-$(GOLANGCI_LINT_VERSION)
dynoxide_stamp := $(tools)/dynoxide-$(DYNOXIDE_VERSION)
sam_stamp := $(tools)/sam-$(SAM_VERSION)-cfn-lint-$(CFN_LINT_VERSION)
# The versions of ChartMogul's clients are in their lock files in compat/.
compat_locks := compat/node/package-lock.json compat/python/requirements-build.txt compat/python/requirements.txt compat/python/requirements-sheets.txt compat/workbooks/requirements.txt
compat_stamp := $(tools)/compat-$(firstword $(shell cat $(compat_locks) | cksum))
pip_locked := $(tools)/compat/python/bin/pip install --quiet --disable-pip-version-check --require-hashes
# Where they are installed: with this set, TestOfficialClients fails if they are missing.
export RESEED_TEST_COMPAT ?= $(tools)/compat

# What drives the console in a browser is in the lock file in browser/. The browser itself is the system's.
browser_stamp := $(tools)/browser-$(firstword $(shell cksum < browser/package-lock.json))
# Where it is installed: with this set, TestConsole fails if it is missing.
export RESEED_TEST_BROWSER ?= $(tools)/browser

# The engine that the DynamoDB driver is tested against is packaged for this platform only.
platform := $(shell uname -sm)
ifeq ($(platform),Linux x86_64)
export RESEED_TEST_DYNOXIDE ?= $(tools)/node_modules/@dynoxide/linux-x64/dynoxide
endif

# The clients of billing systems that judge our stand-ins for these are in the lock file in judges/.
judges_stamp := $(tools)/judges-$(firstword $(shell cksum < judges/package-lock.json))
# Where they are installed: with this set, tests fail if one is missing.
export RESEED_TEST_JUDGES ?= $(tools)/judges

GOARCH ?= arm64
functions := $(notdir $(patsubst %/main.go,%,$(wildcard functions/*/main.go)))
go_release := CGO_ENABLED=0 go build -trimpath -ldflags "-s -w"
go_function := CGO_ENABLED=0 GOOS=linux go build -trimpath -ldflags "-s -w" -tags lambda.norpc
FUZZ_TIME ?= 5s
test_files := find . -name '*_test.go' -not -path './.*' -not -path './build/*'
# No test ends by a clock: a slow machine takes longer, that is all. Ctrl-\ shows where a test is that does not end.
go_test := go test -timeout 0
# Flags for `go test` of make test, test-race and sam-test, such as -v or -run.
TEST_FLAGS ?=

.PHONY: help
help: ## list what can be made
	@sed -nE 's/^([a-z-]+):.*## (.*)/\1|\2/p' $(MAKEFILE_LIST) | while IFS='|' read -r name text; do printf '  %-12s %s\n' "$$name" "$$text"; done

## Running and building

.PHONY: run
run: bin/reseed ## start Reseed on http://127.0.0.1:8080, with its data in ./data
	@bin/reseed serve --addr 127.0.0.1:8080 --data ./data

# go build knows what has changed better than make.
.PHONY: always
always:

bin/reseed: always
	@$(go_release) -o $@ ./cmd/reseed

.PHONY: build
build: bin/reseed $(functions:%=build/%/bootstrap) ## build the command, and every function for Lambda (GOARCH=arm64)

build/%/bootstrap: always
	@GOARCH=$(GOARCH) $(go_function) -o $@ ./functions/$*

## Testing

.PHONY: test
test: $(dynoxide_stamp) $(compat_stamp) $(judges_stamp) $(browser_stamp) chromium ## all tests, with a sample of kills and cuts; those in containers too where Docker can be had
	$(go_test) -shuffle=on $(TEST_FLAGS) ./...
	@$(MAKE) sam-test-if-possible

# The collector takes a fifth of the CPU time of the tests, and their memory is small.
.PHONY: test-race
test-race: export GOGC := 400
test-race: $(dynoxide_stamp) $(compat_stamp) $(judges_stamp) $(browser_stamp) chromium ## the same with the race detector, without containers
	$(go_test) -race -shuffle=on $(TEST_FLAGS) ./...

# The packages with tests that have more cases than make test tries. The race detector makes a case several times slower, and
# finds the same in the hundredth cut as in the twentieth.
many_cases = $(sort $(dir $(shell $(test_files) -exec grep -l 'reseed/internal/\(effort\|connectortest\)"' {} +)))

# Their tests that do, by words in their names; the others need no second run.
with_many_cases := Kill|Cut|Anywhere|AtOnce|AWorker|ALate|Meanwhile|Deadlines|Clocks|BackupsWhile|Counted|Connector|EveryCall|WhatAnExport|Console

.PHONY: test-all
test-all: $(dynoxide_stamp) $(compat_stamp) $(judges_stamp) $(browser_stamp) chromium ## all kills and cuts, without the race detector
	RESEED_TEST_ALL=1 $(go_test) -run '$(with_many_cases)' -shuffle=on $(TEST_FLAGS) $(many_cases)

.PHONY: slowest
slowest: $(dynoxide_stamp) $(compat_stamp) $(judges_stamp) $(browser_stamp) chromium ## the ten slowest tests by the CPU time they take alone (docs/TESTING.md)
	@hack/slowest

# Of make soak: kills of whole processes (as many of imports as of erases), random sequences (of edits and erases more than 100,000 steps in all), and
# the seed of both (another each time).
SOAK_KILLS ?= 1000
SOAK_CHECKS ?= 1000
SOAK_SEED ?= $(shell date +%s)

.PHONY: soak
soak: ## kill -9 again and again, and random sequences against a model, from a new seed (SOAK_KILLS, SOAK_CHECKS, SOAK_SEED)
	@echo "seed $(SOAK_SEED)"
	RESEED_TEST_KILLS=$(SOAK_KILLS) RESEED_TEST_SEED=$(SOAK_SEED) $(go_test) -count=1 -run 'Kill|ErasedIsNowhere' -v ./cmd/reseed | grep -vE '^ *(=== |--- PASS)'
	RESEED_TEST_ALL=1 $(go_test) -count=1 -run 'Sequences|Anywhere' ./pkg/importer -rapid.checks=$(SOAK_CHECKS) -rapid.seed=$(SOAK_SEED)
	$(go_test) -count=1 -run SequencesOfEditsAndErases ./pkg/api -rapid.checks=$$((2 * $(SOAK_CHECKS))) -rapid.steps=100 -rapid.seed=$(SOAK_SEED)

.PHONY: sam-test-if-possible
sam-test-if-possible:
	@status=0; hack/docker-engine with $(MAKE) sam-test || status=$$?; \
	if [ $$status = 3 ] && [ -z "$${RESEED_REQUIRE_DOCKER:-}" ]; then \
	  echo "LEFT OUT: make sam-test, the functions in containers (why: see the line above). Everything else passed."; \
	else exit $$status; fi

.PHONY: sam-test
sam-test: $(sam_stamp) $(dynoxide_stamp) ## the functions in containers, run by SAM CLI beside stand-ins for DynamoDB, S3 and SQS
ifeq ($(platform),Linux x86_64)
	hack/docker-engine with $(go_test) -tags sam -count=1 $(TEST_FLAGS) ./internal/samtest
else
	@echo "LEFT OUT: make sam-test needs the stand-in for DynamoDB, which is packaged for Linux x86-64 only."
endif

.PHONY: sam-local
sam-local: $(sam_stamp) $(dynoxide_stamp) ## the same by hand: the HTTP API on http://127.0.0.1:3000, functions by hack/sam/bed invoke
	@hack/docker-engine with hack/sam/bed local

.PHONY: screens
screens: $(browser_stamp) chromium ## the pictures of the console in docs/screens, taken anew
	RESEED_REQUIRE_BROWSER=1 RESEED_TEST_SCREENS=$(CURDIR)/docs/screens $(go_test) -count=1 -run 'TestConsole/screens$$' ./cmd/reseed

.PHONY: bench
bench: $(dynoxide_stamp) ## benchmarks of the packages and of whole processes
	@{ $(test_files) | xargs grep -lE '^func Benchmark' || true; } | xargs -rn1 dirname | sort -u | \
	  xargs -r go test -run '^$$' -bench . -benchmem -timeout 60m

## Checking

.PHONY: check
check: lint tidy cross template fuzz ## formatting, linters, go vet, go.mod, builds for both architectures, template, fuzzing

.PHONY: lint
lint: $(golangci_lint_stamp)
	$(golangci_lint) run
	go vet -tags sam ./...

.PHONY: format
format: $(golangci_lint_stamp) ## put all Go files into the common format
	$(golangci_lint) fmt

.PHONY: tidy
tidy:
	go mod tidy -diff

.PHONY: cross
cross:
	@for arch in arm64 amd64; do for name in $(functions); do \
	  echo "build functions/$$name for $$arch"; \
	  GOARCH=$$arch $(go_function) -o /dev/null ./functions/$$name; \
	done; done

.PHONY: template
ifneq ($(wildcard template.yaml),)
template: $(sam_stamp)
	$(sam) validate --lint --template template.yaml
	$(tools)/venv/bin/cfn-lint template.yaml
	$(tools)/venv/bin/python hack/sam/lint-expanded template.yaml
else
template:
endif

.PHONY: fuzz
fuzz: ## every fuzz target for a while (FUZZ_TIME=5s)
	@hack/fuzz $(FUZZ_TIME)

## Tools

.PHONY: tools
tools: $(golangci_lint_stamp) $(dynoxide_stamp) $(sam_stamp) $(compat_stamp) $(judges_stamp) $(browser_stamp) chromium ## install what the other targets need, into .tools

.PHONY: compat-tools
compat-tools: $(compat_stamp) ## install ChartMogul's clients for Node.js and Python, which a test drives Reseed with

$(golangci_lint_stamp):
	@echo "golangci-lint $(GOLANGCI_LINT_VERSION) is built once, which takes some minutes"
	@mkdir -p $(tools)
	GOFLAGS= GOBIN=$(tools)/bin go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT_VERSION)
	@touch $@

$(dynoxide_stamp):
	@mkdir -p $(tools)
ifeq ($(platform),Linux x86_64)
	npm install --prefix $(tools) --no-save --no-audit --no-fund --loglevel=error @dynoxide/linux-x64@$(DYNOXIDE_VERSION)
	@touch $@
else
	@echo "LEFT OUT on $(platform): tests against a real DynamoDB engine, which is packaged for Linux x86-64 only."
endif

$(sam_stamp):
	@mkdir -p $(tools)
	python3 -m venv $(tools)/venv
	$(tools)/venv/bin/pip install --quiet --disable-pip-version-check aws-sam-cli==$(SAM_VERSION) cfn-lint==$(CFN_LINT_VERSION)
	@touch $@

$(compat_stamp):
	@mkdir -p $(tools)/compat/node
	cp compat/node/package.json compat/node/package-lock.json $(tools)/compat/node/
	npm ci --prefix $(tools)/compat/node --ignore-scripts --no-audit --no-fund --loglevel=error
	python3 -m venv --clear $(tools)/compat/python
	$(pip_locked) -r compat/python/requirements-build.txt
	$(pip_locked) --no-build-isolation -r compat/python/requirements.txt
	$(pip_locked) -r compat/python/requirements-sheets.txt
	$(pip_locked) -r compat/workbooks/requirements.txt
	@rm -f $(tools)/compat-*
	@touch $@

$(judges_stamp):
	@mkdir -p $(tools)/judges
	cp judges/package.json judges/package-lock.json $(tools)/judges/
	npm ci --prefix $(tools)/judges --ignore-scripts --no-audit --no-fund --loglevel=error
	@rm -f $(tools)/judges-*
	@touch $@

$(browser_stamp):
	@mkdir -p $(tools)/browser
	cp browser/package.json browser/package-lock.json $(tools)/browser/
	npm ci --prefix $(tools)/browser --ignore-scripts --no-audit --no-fund --loglevel=error
	@rm -f $(tools)/browser-*
	@touch $@

.PHONY: chromium
chromium: ## find the browser that the console is tested in; as root on Linux it is installed by apt-get
	@hack/chromium

.PHONY: clean
clean: ## remove what was built; data and tools stay
	rm -rf bin build .aws-sam
