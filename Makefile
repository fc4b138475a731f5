.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# What a function is built with, here and for the cloud. Without the commit's stamp a function that didn't change is the
# same file, and no new version is deployed. Without HTTP/2, which neither the Runtime API nor DynamoDB speaks, a function is 0.3 MB smaller.
LAMBDA := CGO_ENABLED=0 go build -trimpath -buildvcs=false -tags lambda.norpc,nethttpomithttp2 -ldflags='-s -w'
LOCAL  := .local/bin/local
STAGE  ?= dev

# The race detector needs cgo, and that a C compiler.
RACE = $(if $(shell command -v "$$(go env CC)"),-race)

# All of staticcheck, what is off by default too: a comment on each package and on what it shows, names and error texts as Go
# has them. Nothing is excepted, for nothing it found here was wrong. Not golangci-lint: it would bring fifty more linters
# whose every choice wants a reason, and vet and staticcheck find what those find.
STATICCHECK := go run honnef.co/go/tools/cmd/staticcheck@v0.8.2 -checks all
# Half a minute each, of search a quarter, and none of it spent on making small what was found to be of interest.
FUZZ := go test -run '^$$' -fuzzminimizetime 1s
# Needs a database that not every machine reaches; then it is left out, aloud.
GOVULNCHECK := go run golang.org/x/vuln/cmd/govulncheck@v1.9.0
VULNS       := https://vuln.go.dev

# sam tells nobody, keeps its own files here, and wants a region even where none is used.
VENV := .local/venv
SAM  := SAM_CLI_TELEMETRY=0 __SAM_CLI_APP_DIR=$(CURDIR)/.local/sam AWS_DEFAULT_REGION=$${AWS_REGION:-$${AWS_DEFAULT_REGION:-eu-central-1}} $(VENV)/bin/sam

NPM     := infra/local/node_modules/.package-lock.json
BROWSER := infra/local/browser/node_modules/.package-lock.json

.PHONY: help run seed test check build bench clean deploy local

help: ## print this
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "make %-7s %s\n",$$1,$$2}' Makefile

run: build local ## start the local stack, play the main job, serve until Ctrl-C; ROSTER=path plays your file, ONCE=1 ends after the job
	@$(LOCAL) demo $(if $(ONCE),--once) $(if $(ROSTER),--roster "$(ROSTER)")

seed: local ## fill the stack that `make run` has started with a chain of PARTNERS=100000 partners, of which JOINED=2000 have joined
	$(LOCAL) seed -partners $(or $(PARTNERS),100000) -joined $(or $(JOINED),2000)

test: build local $(if $(PKG),,$(BROWSER)) ## all that needs only Go and Node, with the race detector; PKG=./shared/store tests one room
	@$(if $(RACE),,echo "no C compiler: without the race detector")
	$(LOCAL) exec -- go test $(RACE) $(or $(PKG),./...)
	$(if $(PKG),,cd infra/local && go test -count=1 $(RACE) ./...) # what is built and driven there go test doesn't see change

check: $(VENV)/done ## formatting, vet, staticcheck, known vulnerabilities, a minute and a half of fuzzing, the template (needs Python 3.11 or newer)
	@odd=$$(find . -name '*.go' -not -path '*/node_modules/*' -not -path './.*/*' -exec gofmt -l {} +); [ -z "$$odd" ] || { echo "gofmt would change:"; echo "$$odd"; exit 1; }
	go vet ./...
	cd infra/local && go vet ./...
	$(STATICCHECK) ./...
	cd infra/local && $(STATICCHECK) ./...
	@if $(VENV)/bin/python -c 'import urllib.request as u; u.urlopen("$(VULNS)/index/db.json", timeout=10)' 2>/dev/null; \
	then set -x; $(GOVULNCHECK) ./... && cd infra/local && $(GOVULNCHECK) ./...; \
	else echo "govulncheck left out: $(VULNS) can't be reached from here"; fi
	$(FUZZ) -fuzztime 30s -fuzz '^FuzzRead$$' ./shared/roster
	$(FUZZ) -fuzztime 30s -fuzz '^FuzzDamage$$' ./shared/roster
	$(FUZZ) -fuzztime 15s -fuzz '^FuzzQuery$$' ./shared/search
	$(FUZZ) -fuzztime 15s -fuzz '^FuzzOpen$$' ./shared/search
	@if command -v soffice || command -v libreoffice; \
	then set -x; go test -count=1 -run LibreOffice ./shared/roster/form; \
	else echo "LibreOffice left out: it isn't installed here"; fi
	$(VENV)/bin/cfn-lint template.yaml
	$(SAM) validate --lint
	$(SAM) build

build: ## the functions for this machine, each in .local/build/<door>/bootstrap
	@mkdir -p .local/build/.bin
	@$(LAMBDA) -o .local/build/.bin/ ./functions/...
	@cd .local/build && for door in .bin/*; do mkdir -p $${door#.bin/} && ln -f $$door $${door#.bin/}/bootstrap; done

bench: build local ## what each question costs, how big each door is and how fast it starts, what joins and rosters take beside their peers (which need Python 3); MILLION=1 takes a million rows besides
	$(LOCAL) exec -- go run ./infra/bench $(if $(MILLION),table doors joins rosters sight search directory million)

clean: ## forget the local stack's data and all that was built
	rm -rf .local .aws-sam

deploy: $(VENV)/done ## build and deploy with sam; STAGE=prod for prod, RELEASE=anything-new to renew the functions after a key was rotated
	$(SAM) build
	$(SAM) deploy --config-env $(STAGE) --parameter-overrides $$(RELEASE="$(RELEASE)" $(VENV)/bin/python infra/overrides.py $(STAGE))

local: $(NPM)
	@mkdir -p .local/bin
	@cd infra/local && go build -o ../../$(LOCAL) .

$(NPM): infra/local/package-lock.json
	cd infra/local && npm ci --no-audit --no-fund
	@touch $@

# Chromium comes inside one of its packages, so that nothing else is downloaded.
$(BROWSER): infra/local/browser/package-lock.json
	cd infra/local/browser && PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci --no-audit --no-fund
	@touch $@

$(VENV)/done: infra/requirements.txt
	python3 -m venv --clear $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --requirement infra/requirements.txt
	@touch $@

# sam build calls this: ChainsFunction → functions/chains.
build-%Function:
	GOOS=linux GOARCH=arm64 $(LAMBDA) -o "$(ARTIFACTS_DIR)/bootstrap" ./functions/$(shell echo $* | tr A-Z a-z)
