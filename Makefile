# Nagar. `make run` and `make test` set up everything they need by themselves.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.DELETE_ON_ERROR:

STORE ?= city.gpkg
ADDR ?= 127.0.0.1:8080
VIEWER := web/viewer
VIEWER_SOURCES := $(shell find $(VIEWER) -type f -not -path '*/node_modules/*' -not -path '*/dist/*' 2>/dev/null)
GO_SOURCES := $(shell find . -name '*.go' -not -path './web/viewer/node_modules/*' 2>/dev/null) go.mod go.sum \
	$(shell find city catalog -name '*.json' -o -name '*.geojson' 2>/dev/null)

FUZZTIME ?= 60s
SOAK ?= 10m

.PHONY: help
help: ## this list
	@grep -hE '^[a-z][a-z0-9-]*:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

.PHONY: run
run: setup-run build ## serve the demo city on http://localhost:8080, set up on first use; prints links to try each role
	@test -e $(STORE) || bin/importer demo --store $(STORE)
	bin/twin --store $(STORE) --addr $(ADDR) --try-roles --code-sender file:$(STORE).d/codes

.PHONY: build
build: bin/importer bin/tileserver bin/twin ## the three commands, into bin/

.PHONY: test
test: setup-test build ## every test: Go on both stores, viewer, browser
	go vet ./...
	$(MAKE) --no-print-directory viewer-test e2e
	go test -timeout 60m ./...

.PHONY: lint
lint: setup-run $(VIEWER)/node_modules/.stamp ## vet, staticcheck, deadcode, shellcheck; biome and tsc
	test -z "$$(gofmt -l $$(git ls-files '*.go'))"
	go vet ./...
	go tool -modfile=tools/go.mod staticcheck ./...
	test -z "$$(go tool -modfile=tools/go.mod deadcode -test ./... | tee /dev/stderr)"
	command -v shellcheck >/dev/null && shellcheck scripts/*.sh .ci/run || true
	cd $(VIEWER) && npm run --silent lint && npm run --silent typecheck

.PHONY: race
race: setup-test build ## the Go tests under the race detector
	go test -race -timeout 3h ./...

.PHONY: soak
soak: setup-test build ## random edits, readers and 1,000 listeners on both stores for SOAK (10m each): nothing may grow, nothing be late
	SOAK=$(SOAK) go test -run 'TestSoak$$' -count 1 -timeout 12h -v ./internal/app/server

.PHONY: fuzz
fuzz: setup-run ## every fuzz target for FUZZTIME (60s)
	scripts/fuzz.sh $(FUZZTIME)

.PHONY: golden
golden: ## rewrite the golden files; look at the diff
	go test ./internal/app/server -run Golden -update

.PHONY: bench
bench: setup-test build ## benchmarks with allocations
	go test -run '^$$' -bench . -benchmem ./...

.PHONY: bench-peers
bench-peers: setup-test build ## us and the peers on the PATH over a million buildings; writes docs/benchmarks.md
	go test -tags peers -count 1 -timeout 2h -run TestPeers -v ./internal/benchpeers

.PHONY: e2e
e2e: setup-test build ## the viewer in a real browser
	cd $(VIEWER) && npm run --silent e2e

.PHONY: viewer-test
viewer-test: $(VIEWER)/node_modules/.stamp ## unit tests, lint and types of the viewer
	cd $(VIEWER) && npm run --silent lint && npm run --silent typecheck && npm run --silent test

.PHONY: notices
notices: $(VIEWER)/node_modules/.stamp ## rewrite docs/third-party.md
	scripts/notices.sh

.PHONY: clean
clean: ## remove what make built; keeps the store
	rm -rf bin $(VIEWER)/node_modules
	find $(VIEWER)/dist -mindepth 1 -not -name .gitkeep -delete

.PHONY: tools setup-run setup-test
tools:
	@scripts/check-tools.sh
setup-run: tools
	@scripts/setup.sh run
setup-test: tools
	@scripts/setup.sh test

# The servers are static; the importer uses Debian's PROJ and GEOS through cgo.
bin/importer: $(GO_SOURCES) | setup-run
	CGO_ENABLED=1 go build -trimpath -o $@ ./cmd/importer
bin/tileserver bin/twin: bin/%: $(GO_SOURCES) $(VIEWER)/dist/index.html | tools
	CGO_ENABLED=0 go build -trimpath -o $@ ./cmd/$*

$(VIEWER)/node_modules/.stamp: $(VIEWER)/package-lock.json | tools
	# A folder that is linked belongs to another checkout: npm ci would empty it.
	test -L $(VIEWER)/node_modules || (cd $(VIEWER) && npm ci --no-audit --no-fund --loglevel=error)
	@touch $@
$(VIEWER)/dist/index.html: $(VIEWER_SOURCES) $(VIEWER)/node_modules/.stamp
	cd $(VIEWER) && npm run --silent build
	@touch $@
