# Parley. `make help` lists what can be asked for.
#
# Needed beforehand: Go (the version in go.mod), Node 20 or later, git. What else the
# steps need, they install themselves through scripts/tool, pinned.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

MODULE  := github.com/parley-chat/parley
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)

# Release builds: static, no path of this machine inside, no debug tables.
GO_BUILD := CGO_ENABLED=0 go build -buildvcs=false -trimpath -ldflags "-s -w -X main.version=$(VERSION)"
# Test builds: with the race detector, which is linked through the C toolchain.
GO_RACE  := CGO_ENABLED=1 go build -buildvcs=false -race -ldflags "-X main.version=$(VERSION)"

RESULTS := out/results
VERDICT := go run ./scripts/verdict
GO_TEST := CGO_ENABLED=1 go test -race -json -timeout 15m

GO_FILES  := $(shell git ls-files --cached --others --exclude-standard '*.go' go.mod go.sum 2>/dev/null)

# What `make test` and CI run, in this order, and the suites whose counts they close with.
TEST_STEPS  := lint check-gen unit
TEST_SUITES := unit

.PHONY: help
help: ## list the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z0-9-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: test
test: ## run everything that CI runs; the closing line counts the tests
	@rm -rf $(RESULTS)
	@status=0; scripts/steps $(TEST_STEPS) || status=$$?; \
	$(VERDICT) sum $(TEST_SUITES) || status=$$?; exit $$status

.PHONY: sum
sum: ## add up the counts of the last `make test`
	@$(VERDICT) sum $(TEST_SUITES)

.PHONY: lint
lint: ## golangci-lint and formatting
	@lint=$$(scripts/tool golangci-lint) && $$lint run ./... && $$lint fmt --diff
	@bash -n scripts/steps scripts/tool scripts/check-gen .ci/run
	@go mod verify

.PHONY: fmt
fmt: ## format everything
	@lint=$$(scripts/tool golangci-lint) && $$lint fmt

.PHONY: gen
gen: ## write generated files anew
	@go generate ./...

.PHONY: check-gen
check-gen: ## fail if generated files are not what their sources give
	@scripts/check-gen

.PHONY: unit
unit: ## Go tests of all packages, with the race detector
	@scripts/tool gcc >/dev/null
	@packages=$$(go list ./... | grep -v '^$(MODULE)/test/'); \
	$(GO_TEST) $$packages | $(VERDICT) go unit
