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

# Release builds: static, no path of this machine inside, no debug tables. Without grpcnotrace
# a web page of gRPC's, which nobody can reach, is inside, and its templates make the linker
# keep every exported method there is: 20 MB.
GO_BUILD := CGO_ENABLED=0 go build -buildvcs=false -trimpath -tags grpcnotrace -ldflags "-s -w -X $(MODULE)/internal/app.release=$(VERSION)"
# Test builds: with the race detector, which is linked through the C toolchain.
GO_RACE  := CGO_ENABLED=1 go build -buildvcs=false -race -ldflags "-X $(MODULE)/internal/app.release=$(VERSION)"

# What the binary may weigh, in bytes: 40 MB. See docs/adr/0009-dependencies.md.
BINARY_MOST := 40000000

RESULTS := out/results
VERDICT := go run ./scripts/verdict
GO_TEST := CGO_ENABLED=1 go test -race -json -timeout 15m

REPORTS := out/reports

ROUNDS   ?= 100
LONG     ?=
STORE    ?= sqlite postgres
SEED     ?=
FUZZTIME ?= 30s
BENCH    ?= all
comma    := ,

GO_FILES  := $(shell git ls-files --cached --others --exclude-standard '*.go' '*.sql' go.mod go.sum 2>/dev/null)
WEB_FILES := $(shell git ls-files --cached --others --exclude-standard web ':!web/dist' ':!web/e2e' ':!web/*.go' 2>/dev/null)

# What `make test` and CI run, in this order, and the suites whose counts they close with.
TEST_STEPS  := lint check-gen web-lint web-test web-build build unit stories protocol kill nodes fault e2e
TEST_SUITES := unit web stories protocol kill nodes fault e2e

.PHONY: help
help: ## list the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z0-9-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: run
run: build ## build what is needed and start Parley at http://localhost:3000
	@bin/parley serve

.PHONY: build
build: bin/parley ## bin/parley: one static binary with the web client inside

bin/parley: $(GO_FILES) web/dist/index.html
	@$(GO_BUILD) -o $@ ./cmd/parley
	@[ "$$(wc -c <$@)" -le $(BINARY_MOST) ] || { echo "$@ is larger than $(BINARY_MOST) bytes" >&2; rm $@; exit 1; }

# The same program with the race detector, for the stories.
out/bin/parley-race: $(GO_FILES) web/dist/index.html
	@scripts/tool gcc >/dev/null
	@$(GO_RACE) -o $@ ./cmd/parley

.PHONY: test
test: ## run everything that CI runs; the closing line counts the tests
	@rm -rf $(RESULTS) $(REPORTS)
	@status=0; scripts/steps $(TEST_STEPS) || status=$$?; \
	$(VERDICT) sum $(TEST_SUITES) || status=$$?; exit $$status

.PHONY: sum
sum: ## add up the counts of the last `make test`
	@$(VERDICT) sum $(TEST_SUITES)

.PHONY: lint
lint: ## golangci-lint and formatting
	@lint=$$(scripts/tool golangci-lint) && $$lint run --allow-parallel-runners ./... && $$lint fmt --diff
	@bash -n test/fault/sabotage scripts/steps scripts/tool scripts/check-gen scripts/fuzz scripts/release scripts/services scripts/processes scripts/cluster bench/nodes .ci/run
	@go mod verify

.PHONY: locks
locks: ## fail if go.mod or a lock file is not what the sources need
	@go mod verify && go mod tidy -diff

.PHONY: fmt
fmt: web/node_modules/.installed ## format everything
	@lint=$$(scripts/tool golangci-lint) && $$lint fmt
	@$(WEB) run format

.PHONY: gen
gen: ## write generated files anew
	@go generate ./...

.PHONY: check-gen
check-gen: ## fail if generated files are not what their sources give
	@scripts/check-gen

.PHONY: unit
unit: ## Go tests of all packages, with the race detector, against real engines
	@scripts/tool gcc >/dev/null
	@packages=$$(go list ./... | grep -v '^$(MODULE)/test/'); \
	scripts/services run $(ENGINES) -- bash -c "$(GO_TEST) $${packages//$$'\n'/ } | $(VERDICT) go unit again"

# The engines that conformance suites run against, besides those that need no server.
ENGINES := postgres redis redis-cluster kafka

.PHONY: services
services: ## start the engines on loopback; `scripts/services stop` ends them
	@scripts/services start $(ENGINES)

.PHONY: stories
stories: out/bin/parley-race ## the command line and the API against the real binary, built with -race
	@TEST_BINARY=$(CURDIR)/$< $(GO_TEST) -count=1 ./test/script | $(VERDICT) go stories again

.PHONY: kill
kill: bin/parley ## kill -9 in the middle of streams of sends, ROUNDS=100 times
	@TEST_BINARY=$(CURDIR)/$< go test -json -count=1 -timeout 20m ./test/kill -rounds $(ROUNDS) $(if $(SEED),-seed $(SEED)) | $(VERDICT) go kill loud

.PHONY: nodes
nodes: bin/parley ## several nodes on real engines, killed, stopped, cut off, behind load balancers
	@TEST_BINARY=$(CURDIR)/$< scripts/services run postgres redis kafka -- \
		bash -c "go test -json -count=1 -timeout 15m ./test/nodes | $(VERDICT) go nodes again"

OUTAGE ?= 60s
OUTAGE_RATE ?= 200

.PHONY: outage
outage: bin/parley ## two nodes under load while PostgreSQL is stopped, then killed (OUTAGE=60s OUTAGE_RATE=200)
	@TEST_BINARY=$(CURDIR)/$< scripts/services run redis kafka -- \
		bash -c "set -o pipefail; go test -count=1 -v -timeout 30m ./test/nodes -run TalkGoesOnWhilePostgres -outage $(OUTAGE) -outage-rate $(OUTAGE_RATE) | grep -v '\"level\":'"

.PHONY: cluster
cluster: bin/parley ## three nodes behind a load balancer at http://127.0.0.1:3000, to try and to break; Ctrl-C stops all
	@exec scripts/services run postgres redis kafka3 -- scripts/cluster run

# The faults of the whole: the checker's own tests are counted, the run itself passes or
# fails as a step. Its engines are its own, with a proxy before each.
FAULT_TARGETS = $(subst $(eval) ,$(comma),$(patsubst sqlite,embedded,$(patsubst postgres,cluster,$(STORE))))
comma := ,
FAULT_ENGINES = env -u PARLEY_TEST_POSTGRES -u PARLEY_TEST_REDIS -u PARLEY_TEST_KAFKA -u PARLEY_TEST_KAFKA3 \
	PARLEY_SERVICES_DIR=$(CURDIR)/out/fault/services PARLEY_SERVICES_KAFKA_LINKS=$(if $(NETNS),network,yes) $(if $(CLOCK),PARLEY_SERVICES_CLOCK=yes )scripts/services run postgres redis kafka3 --

.PHONY: fault
fault: bin/parley ## break nodes, engines and links while clients talk, and check every promise (LONG=1h SEED=1 STORE=sqlite CLOCK=yes NETNS=yes)
	$(if $(NETNS),@[ "$$(id -u)" = 0 ] && command -v ip >/dev/null || { echo "make fault NETNS=yes needs root and the command ip (Debian: iproute2)" >&2; exit 1; })
	@scripts/tool gcc >/dev/null; scripts/tool strace >/dev/null
	@go build -o out/bin/fault ./test/fault
	$(if $(CLOCK),@go build -tags faultclock -o out/bin/parley-clock ./cmd/parley && go test -tags faultclock -run TestAClock ./internal/app)
	$(if $(NETNS),@go test -tags netns -count=1 ./test/fault/lan)
	@status=0; $(GO_TEST) ./test/fault/... | $(VERDICT) go fault || status=$$?; \
	$(if $(findstring postgres,$(STORE)),$(FAULT_ENGINES)) out/bin/fault -target $(FAULT_TARGETS) -commit $(VERSION) $(if $(LONG),-long $(LONG)) $(if $(SEED),-seed $(SEED),$(if $(CI),-seed 1)) $(if $(CI),-patience 12) $(if $(NETNS),-netns) $(if $(CLOCK),-clocks -binary out/bin/parley-clock) || status=$$?; \
	exit $$status

.PHONY: sabotage
sabotage: web/dist/index.html ## test the fault suite: programs that are broken in 15 ways have to be found out, each by name
	@scripts/tool strace >/dev/null
	@go build -o out/bin/fault ./test/fault
	@$(FAULT_ENGINES) test/fault/sabotage out/bin/fault

.PHONY: protocol
protocol: ## Engine.IO and Socket.IO as other people's clients speak them
	@scripts/tool gcc >/dev/null
	@status=0; test/protocol/run || status=$$?; \
	$(VERDICT) mocha protocol $(REPORTS)/protocol-*.json || status=$$?; exit $$status

.PHONY: fuzz
fuzz: ## fuzz every target for FUZZTIME=30s each
	@scripts/fuzz $(FUZZTIME)

.PHONY: bench
bench: bin/parley bench/peers/node-socketio/node_modules/.installed ## measure speed and cost beside a bare socket.io server (BENCH="send -time 10s")
	@ulimit -n "$$(ulimit -Hn)"; bin/parley bench -peer bench/peers/node-socketio $(BENCH)

.PHONY: bench-nodes
bench-nodes: bin/parley ## the same with several nodes on PostgreSQL, Kafka and Redis (BENCH="-nodes 1,2,3 -rate 200,2000 pace")
	@ulimit -n "$$(ulimit -Hn)"; scripts/services run postgres redis kafka -- bench/nodes bin/parley $(if $(filter all,$(BENCH)),-nodes 2 -rate 200$(comma)2000 pace,$(BENCH))

bench/peers/node-socketio/node_modules/.installed: bench/peers/node-socketio/package.json bench/peers/node-socketio/package-lock.json
	@cd bench/peers/node-socketio && npm ci --silent
	@touch $@

.PHONY: release
release: web/dist/index.html ## archives for every platform, with checksums, in out/release
	@scripts/release $(VERSION)

## The web client. Its scripts are in web/package.json.

WEB = pnpm=$$(scripts/tool pnpm) && cd web && $$pnpm

# --frozen-lockfile: a lock file that is out of step with package.json is an error.
web/node_modules/.installed: web/package.json web/pnpm-lock.yaml
	@$(WEB) install --frozen-lockfile --reporter=append-only
	@touch $@

web/dist/index.html: $(WEB_FILES) web/node_modules/.installed
	@$(WEB) run build

.PHONY: web-build
web-build: web/dist/index.html ## build the web client and check its size
	@$(WEB) run check-size

.PHONY: web-lint
web-lint: web/node_modules/.installed ## ESLint, Prettier, knip and the compiler over the web client
	@$(WEB) run lint

.PHONY: web-test
web-test: web/node_modules/.installed ## unit tests of the web client
	@mkdir -p $(REPORTS)
	@status=0; ($(WEB) exec vitest run --reporter=default --reporter=json --outputFile.json=../$(REPORTS)/vitest.json) || status=$$?; \
	$(VERDICT) vitest web $(REPORTS)/vitest.json || status=$$?; exit $$status

.PHONY: e2e
e2e: bin/parley web/node_modules/.installed ## two people in two browsers (Chromium), on one node and on two; screenshots in out/e2e
	@mkdir -p $(REPORTS)
	@CHROMIUM=$$(scripts/tool chromium); export CHROMIUM TEST_BINARY=$(CURDIR)/bin/parley; \
	export PLAYWRIGHT_JSON_OUTPUT_NAME=$(CURDIR)/$(REPORTS)/playwright.json; \
	status=0; scripts/services run postgres redis kafka -- bash -c '$(WEB) exec playwright test --reporter=list,json' || status=$$?; \
	$(VERDICT) playwright e2e $(REPORTS)/playwright.json || status=$$?; exit $$status

.PHONY: looks
looks: bin/parley web/node_modules/.installed ## write the pictures that screens are compared with anew, and those of every screen to out/screenshots
	@CHROMIUM=$$(scripts/tool chromium); export CHROMIUM TEST_BINARY=$(CURDIR)/bin/parley; \
	$(WEB) run baselines && TEST_GALLERY=yes $$pnpm exec playwright test axe.spec
