# The verbs of this repository. `make` alone explains them.
# Every environment is made from hash-locked requirements the first time a verb needs it, and again when they change.

PORT ?= 3000
CONFIG ?= ci
WORKERS ?= 2
ROUNDS ?= 5
PYTEST ?=

# Slow checks, each a target of its own, join `make check-all` here.
SLOW := sayings-faults survival bench-usage bench-savings faults races soak-ledger soak-posts soak-streams soak-live bench bench-starts bench-scale load deploys gates site-test

BIN := .venv/bin
VENVS := .local/venvs
SAM := $(VENVS)/sam/bin/sam
LAYER := layers/llm_core

# A stamp says that an environment holds what its lock lists. dev contains local, so both share .venv.
LOCAL := .venv/.local-is-in
DEV := .venv/.dev-is-in
EMULATOR := $(VENVS)/emulator/.is-in
OLDER_CLIENTS := $(VENVS)/older-clients/.is-in
AGENTS := $(VENVS)/agents/.is-in
SAM_CLI := $(VENVS)/sam/.is-in
GATES := $(VENVS)/gates/.is-in
SITE := site/out/index.html
LITELLM := $(VENVS)/litellm/.is-in
PORTKEY := .local/portkey/.is-in
LAMBDA := $(VENVS)/lambda/.is-in

# pyenv's stand-in is on PATH even where it has no 3.13, so a candidate counts only if it runs.
FOUND_PYTHON = $(shell for python in "$(PYTHON)" python3.13 python3 "$$(uv python find --no-project 3.13 2>/dev/null)"; do \
  "$$python" -c 'import sys, venv; sys.exit(sys.version_info[:2] != (3, 13))' 2>/dev/null && { echo "$$python"; exit; }; done)
NO_PYTHON = $(error Drey needs Python 3.13, as its Lambdas do. Install it (uv python install 3.13, or pyenv install 3.13), \
  or say where it is: make PYTHON=/path/to/python3.13)

INSTALL := -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --requirement

# sam compiles the layer with the python3.13 on PATH: its own runs everywhere, pyenv's stand-in only in this folder.
RUN_SAM := SAM_CLI_TELEMETRY=0 PATH="$(CURDIR)/$(VENVS)/sam/bin:$$PATH" $(SAM)

PYTHONPATH_OF_ALL := PYTHONPATH=$(LAYER):functions:.

# Where the operator's verbs act, and what they are given: USER stands in every shell, so only the command line counts.
ON_STAGE = --stage $(or $(STAGE),local)
given = $(if $(filter command,$(firstword $(origin $(1)))),$($(1)))

MAKEFLAGS += --no-print-directory --no-builtin-rules
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# ------------------------------------------------------------------------------------------------ every day
.PHONY: help
help: ## What can be typed
	@awk -F ':.*## ' -v bold="$$(test -t 1 && tput bold 2>/dev/null)" -v teal="$$(test -t 1 && tput setaf 6 2>/dev/null)" \
	  -v plain="$$(test -t 1 && tput sgr0 2>/dev/null)" \
	  '/^# -+ / { sub(/^# -+ /, ""); printf "\n%s%s%s\n", bold, $$0, plain } \
	   /^[a-z-]+:.*## / { printf "  %smake %-10s%s %s\n", teal, $$1, plain, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: run
run: ## Everything on one port of this machine, without an AWS account: PORT=3000
	@$(if $(wildcard $(BIN)/python)$(FOUND_PYTHON),,$(NO_PYTHON))$(MAKE) -s -j2 $(LOCAL) $(EMULATOR)
	@if command -v npm >/dev/null && ! $(MAKE) -q $(SITE) 2>/dev/null; then echo "The site is being built meanwhile; .local/site.log tells how."; \
	  mkdir -p .local; $(MAKE) -s site >.local/site.log 2>&1 & fi
	@trap : INT; PORT=$(PORT) $(BIN)/python -m local run || { code=$$?; test $$code -eq 130 || exit $$code; }

.PHONY: key
key: $(LOCAL) ## An API key, shown once; with your AWS credentials for STAGE=dev: USER=ada TEAM= ORG= BUDGET=50 DAILY= SCOPES=a,b NAME=
	@$(BIN)/python -m local key $(ON_STAGE) --user "$(or $(call given,USER),local)" --team "$(call given,TEAM)" \
	  --org "$(call given,ORG)" --budget "$(call given,BUDGET)" --daily "$(call given,DAILY)" \
	  --scopes "$(call given,SCOPES)" --name "$(or $(call given,NAME),made on the command line)"

.PHONY: budget
budget: $(LOCAL) ## What an account may spend, shown or set: ACCOUNT=user:ada MONTHLY=50 DAILY=none STAGE=dev, SHARDS=4 at first
	@test -n "$(ACCOUNT)" || { echo "Whose? make budget ACCOUNT=user:ada MONTHLY=50" >&2; exit 2; }
	@$(BIN)/python -m local budget $(ON_STAGE) "$(ACCOUNT)" --monthly "$(MONTHLY)" --daily "$(DAILY)" $(if $(SHARDS),--shards $(SHARDS))

.PHONY: revoke
revoke: $(LOCAL) ## The end of an API key and of all below it: KEY=sk-proj-abcdefghijkl STAGE=dev
	@test -n "$(KEY)" || { echo "Which one? make revoke KEY=sk-proj-abcdefghijkl" >&2; exit 2; }
	@$(BIN)/python -m local revoke $(ON_STAGE) "$(KEY)"

.PHONY: clear
clear: $(LOCAL) ## Ask a model again that cost more than its ceiling: MODEL=anthropic/... OPERATION=chat STAGE=dev
	@test -n "$(MODEL)" || { echo "Which one? make clear MODEL=anthropic/claude-haiku-4-5 OPERATION=chat" >&2; exit 2; }
	@$(BIN)/python -m local clear $(ON_STAGE) "$(MODEL)" --operation "$(or $(OPERATION),chat)"

.PHONY: user
user: $(LOCAL) ## Somebody who may sign in: NAME=ada@example.com GROUP=writers (or admin) STAGE=dev
	@test -n "$(NAME)" || { echo "Who? make user NAME=ada@example.com GROUP=writers" >&2; exit 2; }
	@$(BIN)/python -m local user $(ON_STAGE) "$(NAME)" --group "$(or $(GROUP),writers)"

.PHONY: token
token: $(LOCAL) ## An ID token of the person that `make run` prints, good for an hour
	@$(BIN)/python -m local token

.PHONY: seed
seed: $(LOCAL) ## Sayings, sample users, keys and usage for what `make run` runs
	@$(BIN)/python -m local seed

.PHONY: rollups
rollups: $(LOCAL) ## Sums of the usage: whatever they lack is counted from the rows, here or with your AWS credentials for STAGE=dev
	@$(BIN)/python -m local rollups --stage $(or $(STAGE),local)

.PHONY: reconcile
reconcile: $(LOCAL) ## The ledger beside a usage export of OpenAI's or Anthropic's console: FILE=usage.csv STAGE=dev
	@test -n "$(FILE)" || { echo "Which export? make reconcile FILE=usage.csv STAGE=dev" >&2; exit 2; }
	@$(BIN)/python -m local reconcile $(ON_STAGE) "$(FILE)"

.PHONY: forget
forget: $(LOCAL) ## All that is kept of a person is erased, and what was erased is told: USER=ada STAGE=dev
	@test -n "$(call given,USER)" || { echo "Whom? make forget USER=ada STAGE=dev" >&2; exit 2; }
	@$(BIN)/python -m local forget $(ON_STAGE) "$(call given,USER)"

.PHONY: traces
traces: $(LOCAL) ## p50, p95, p99 of each hop and the slowest waterfall, here or of STAGE=dev: WHERE=provider=bedrock LAST=3 MINUTES=60
	@$(BIN)/python -m local traces $(ON_STAGE) --where "$(WHERE)" --last $(or $(LAST),0) --minutes $(or $(MINUTES),60)

.PHONY: site
site: $(LOCAL) ## The site as files in site/out, which `make run` serves; needs Node 20 or newer
	@command -v npm >/dev/null || { echo "The site needs Node 20 or newer, with npm. The API runs without: make run" >&2; exit 2; }
	@$(MAKE) $(SITE)

.PHONY: invoke
invoke: $(LOCAL) ## A sample event to one door: DOOR=gateway/chat CASE=hello
	@test -n "$(DOOR)" -a -n "$(CASE)" || { echo "Which one? make invoke DOOR=gateway/chat CASE=hello; the cases are in events/" >&2; exit 2; }
	@$(BIN)/python -m local invoke $(DOOR) $(CASE)

# ------------------------------------------------------------------------------------------------ before a commit
.PHONY: test
test: $(DEV) $(EMULATOR) $(OLDER_CLIENTS) $(AGENTS) ## The whole suite, offline: PYTEST='-k ledger -x' for a part, WORKERS=2
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile $(if $(PYTEST),,--cov --cov-report=term) $(PYTEST)

.PHONY: lint
lint: $(DEV) ## Style and the commonest mistakes, by ruff
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check

.PHONY: types
types: $(DEV) ## Strict types, by mypy
	@$(BIN)/mypy

.PHONY: validate
validate: $(DEV) $(SAM_CLI) ## template.yaml and stacks/, by cfn-lint and sam
	@$(BIN)/cfn-lint --regions us-east-1 eu-central-1 --template template.yaml $(wildcard stacks/*.yaml)
	@AWS_DEFAULT_REGION=us-east-1 $(RUN_SAM) validate --lint

.PHONY: pricing-check
pricing-check: $(DEV) ## Prices too old, without a day, unlike genai-prices, or of models that ended: TODAY=2027-02-18
	@$(PYTHONPATH_OF_ALL) $(BIN)/python -m gates.prices $(if $(TODAY),--today $(TODAY))

.PHONY: pricing-update
pricing-update: $(DEV) ## What genai-prices would change in the catalog; APPLY=1 writes what needs no person
	@$(PYTHONPATH_OF_ALL) $(BIN)/python -m gates.proposal $(if $(APPLY),--apply)

.PHONY: evals
evals: $(DEV) ## Our prompts against recorded answers, no network: SUITE=classify, COMPARE="a b"; LIVE=1 records (UNDERSTUDY=1, YES=1)
	@$(PYTHONPATH_OF_ALL) $(BIN)/python -m evals $(if $(SUITE),--suite $(SUITE)) $(if $(COMPARE),--compare $(COMPARE)) \
	  $(if $(LIVE),--live $(if $(UNDERSTUDY),--understudy) $(if $(YES),--yes))

.PHONY: prompt-diff
prompt-diff: $(LOCAL) ## What changed in a prompt, block by block: PROMPT=classify SINCE=origin/main
	@test -n "$(PROMPT)" || { echo "Which one? make prompt-diff PROMPT=classify SINCE=HEAD~5" >&2; exit 2; }
	@$(PYTHONPATH_OF_ALL) $(BIN)/python -m gates.prompt_diff $(PROMPT) --since $(or $(SINCE),HEAD)

.PHONY: sbom
sbom: $(DEV) ## What is in the layer, and under which licences: docs/sbom.json
	@$(PYTHONPATH_OF_ALL) $(BIN)/python -m gates.bill

.PHONY: gates
gates: $(DEV) $(GATES) ## checkov, parliament and bandit, held against what was reviewed: tests/audit/reviewed.py
	@$(PYTHONPATH_OF_ALL) $(BIN)/python -m tests.audit

.PHONY: check
check: lint types pricing-check evals test validate size ## All that CI runs

.PHONY: check-all
check-all: check $(SLOW) ## The same, and what takes its time

.PHONY: bench
bench: $(LOCAL) $(EMULATOR) ## What the gateway adds, next to LiteLLM and Portkey: docs/benchmarks/gateway.md, ROUNDS=5 REQUESTS=60
	@$(MAKE) -k $(LITELLM) $(PORTKEY) || echo "Whoever is missing is left out."
	@$(BIN)/python -m bench.gateway --rounds $(ROUNDS) --requests $(or $(REQUESTS),60)

.PHONY: load
load: $(DEV) $(EMULATOR) ## A burst, a soak and RATE=50 requests a second for SECONDS=600: docs/benchmarks/load.md
	@$(PYTHONPATH_OF_ALL) $(BIN)/python -m bench.load --rate $(or $(RATE),50) --seconds $(or $(SECONDS),600)

.PHONY: bench-starts
bench-starts: $(DEV) $(EMULATOR) build ## Each door's start with its first answer, at one processor and at 0.3: docs/benchmarks/starts.md, STARTS=3
	@$(PYTHONPATH_OF_ALL) $(BIN)/python -m bench.starts --rounds $(or $(STARTS),3)

.PHONY: bench-scale
bench-scale: $(LOCAL) ## Ten, a thousand and a hundred thousand calls a second, simulated: docs/scale.md
	@$(PYTHONPATH_OF_ALL) $(BIN)/python -m bench.scale

.PHONY: bench-usage
bench-usage: $(LOCAL) $(EMULATOR) ## What questions about usage read at 100,000 rows: docs/benchmarks/usage.md
	@$(BIN)/python -m bench.usage

.PHONY: bench-savings
bench-savings: $(LOCAL) $(EMULATOR) ## What the cache and the roles save of a sample of traffic: docs/benchmarks/savings.md
	@$(BIN)/python -m bench.savings

.PHONY: bench-cost
bench-cost: $(LOCAL) ## What a month costs at AWS, by the template and by list prices: docs/cost.md
	@$(PYTHONPATH_OF_ALL) $(BIN)/python -m bench.cost_page

.PHONY: faults
faults: $(DEV) $(EMULATOR) ## Whatever may fail, in every dialect and way, with one candidate and two: docs/benchmarks/faults.md
	@DREY_WALL=all DREY_WRITE_DOCS=1 $(BIN)/python -m pytest -q tests/faults/test_wall.py

.PHONY: races
races: $(DEV) $(EMULATOR) ## Calls at a budget's edge while everything dies: docs/benchmarks/races.md, CALLS=300 a race
	@$(PYTHONPATH_OF_ALL) $(BIN)/python -m tests.races --calls $(or $(CALLS),300)

.PHONY: survival
survival: $(DEV) $(EMULATOR) ## Agents whose doors are killed in the middle, and how long runs take: docs/benchmarks/agents.md, RUNS=50
	@PYTHONPATH=$(LAYER):functions:. $(BIN)/python -m tests.survival --runs $(or $(RUNS),50)

.PHONY: deploys
deploys: $(DEV) $(EMULATOR) $(SAM_CLI) ## Every stage of samconfig.toml into the local AWS: up, changed, unchanged, gone
	@DREY_DEPLOYS=all $(BIN)/python -m pytest -q tests/test_deploy.py

.PHONY: soak-ledger
soak-ledger: $(DEV) $(EMULATOR) ## The ledger against its model, by many stories that hypothesis draws: STORIES=300
	@DREY_SOAK=$(or $(STORIES),300) $(BIN)/python -m pytest -q tests/llm_core/accounts/test_ledger_machine.py

.PHONY: soak-posts
soak-posts: $(DEV) $(EMULATOR) ## What lists of posts read when there are 10,000: POSTS=10000
	@DREY_POSTS=$(or $(POSTS),10000) $(BIN)/python -m pytest -q tests/functions/content/test_lists.py

.PHONY: soak-streams
soak-streams: $(DEV) $(EMULATOR) ## A hundred streams at once, and many whose readers leave: docs/benchmarks/streams.md, STREAMS=2000
	@PYTHONPATH=$(LAYER):functions:. $(BIN)/python -m tests.soaks --streams $(or $(STREAMS),2000)

.PHONY: site-test
site-test: $(DEV) $(EMULATOR) site ## The site in a browser: what people do, axe, sizes; pictures in .local/site. ONLY='cancels'
	@$(PYTHONPATH_OF_ALL) $(BIN)/python -m tests.site --only "$(ONLY)"

.PHONY: sayings-faults
sayings-faults: $(DEV) $(EMULATOR) ## Sayings while each provider, DynamoDB and Parameter Store do everything they may do to us
	@DREY_FAULTS=all $(BIN)/python -m pytest -q tests/faults/test_sayings.py

.PHONY: soak-live
soak-live: $(DEV) $(EMULATOR) ## The live socket: SOCKETS=200 at once, 20 messages each, none lost; how soon steps are seen
	@DREY_SOCKETS=$(or $(SOCKETS),200) $(BIN)/python -m pytest -q -s tests/wire/test_live.py -k "many_sockets or soon"

.PHONY: samlocal
samlocal: $(DEV) $(EMULATOR) $(LAMBDA) ## sam local invoke, start-lambda and start-api for real, where a Docker engine runs: EVENTS=all
	@$(MAKE) build CONFIG=local
	@DREY_EVENTS=$(EVENTS) $(BIN)/python -m pytest -q tests/samlocal

# ------------------------------------------------------------------------------------------------ shipping
.PHONY: build
build: $(SAM_CLI) ## What is deployed, layer compiled, with the parameters of a samconfig table: CONFIG=ci
	@$(RUN_SAM) build --config-env $(CONFIG)

.PHONY: size
size: $(LOCAL) build ## Size of the layer and what each door loads when it starts, next to a bare boto3 client: STARTS=1 of each
	@$(BIN)/python -m bench.size --config-env $(CONFIG) --rounds $(or $(STARTS),1)

.PHONY: deploy
deploy: $(LOCAL) ## A stage to your AWS account: STAGE=dev
	@$(MAKE) build CONFIG=$(or $(STAGE),dev)
	@$(BIN)/python -m bench.size --config-env $(or $(STAGE),dev) --layer-only
	@$(RUN_SAM) deploy --config-env $(or $(STAGE),dev)

.PHONY: deploy-site
deploy-site: $(LOCAL) site ## The site to your AWS account, once the platform of that stage is there: STAGE=dev
	@$(BIN)/python -m local deploy-site --stage $(or $(STAGE),dev)

# ------------------------------------------------------------------------------------------------ housekeeping
.PHONY: setup
setup: ## All environments now, instead of when they are first needed
	@$(MAKE) -j2 $(DEV) $(EMULATOR) $(OLDER_CLIENTS) $(AGENTS) $(SAM_CLI)

.PHONY: lock
lock: ## requirements/*.txt anew from *.in, with hashes and no addresses: UPGRADE=1 for newer versions
	@$(MAKE) $(VENVS)/uv/bin/uv
	@cd $(LAYER) && $(LOCKED) $(foreach name,$(OF_LAMBDA),--no-emit-package $(name)) requirements.in -o requirements.txt
	@cd requirements && for name in local dev emulator sam lambda; do \
	  $(LOCKED) -c ../$(LAYER)/requirements.txt $$name.in -o $$name.txt || exit; done
	@cd requirements && for name in older-clients agents litellm; do $(LOCKED) $$name.in -o $$name.txt || exit; done

.PHONY: clean
clean: ## Away with environments, builds and caches; keys and usage of `make run` stay
	rm -rf .venv $(VENVS) .local/portkey .aws-sam .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage .coverage.*
	find functions layers local bench tests -name __pycache__ -prune -exec rm -rf {} +

$(LOCAL): requirements/local.txt | $(BIN)/python
	@echo "Packages for the doors and their front door..."
	@$(BIN)/python $(INSTALL) $<
	@touch $@

$(DEV): requirements/dev.txt | $(LOCAL)
	@echo "Packages for tests, lint and types..."
	@$(BIN)/python $(INSTALL) $<
	@touch $@

$(EMULATOR): requirements/emulator.txt | $(VENVS)/emulator/bin/python
	@echo "The local AWS..."
	@$(VENVS)/emulator/bin/python $(INSTALL) $<
	@touch $@

$(OLDER_CLIENTS): requirements/older-clients.txt | $(VENVS)/older-clients/bin/python
	@echo "The previous majors of the official SDKs, as clients..."
	@$(VENVS)/older-clients/bin/python $(INSTALL) $<
	@touch $@

$(AGENTS): requirements/agents.txt | $(VENVS)/agents/bin/python
	@echo "The OpenAI Agents SDK, as a client..."
	@$(VENVS)/agents/bin/python $(INSTALL) $<
	@touch $@

$(LITELLM): requirements/litellm.txt | $(VENVS)/litellm/bin/python
	@echo "LiteLLM's proxy, to compare with..."
	@$(VENVS)/litellm/bin/python $(INSTALL) $<
	@touch $@

$(PORTKEY): bench/gateway/portkey/package-lock.json
	@echo "Portkey's gateway, to compare with..."
	@mkdir -p $(@D) && cp bench/gateway/portkey/*.json $(@D)
	@cd $(@D) && npm ci --ignore-scripts --no-audit --no-fund --silent
	@touch $@

$(LAMBDA): requirements/lambda.txt | $(VENVS)/lambda/bin/python
	@echo "What Lambda's runtime has..."
	@$(VENVS)/lambda/bin/python $(INSTALL) $<
	@touch $@

$(GATES): requirements/gates.txt | $(VENVS)/gates/bin/python
	@echo "checkov, parliament and bandit..."
	@$(VENVS)/gates/bin/python $(INSTALL) $<
	@touch $@

$(SAM_CLI): requirements/sam.txt | $(VENVS)/sam/bin/python
	@echo "The SAM CLI..."
	@$(VENVS)/sam/bin/python $(INSTALL) $<
	@touch $@

site/node_modules/.package-lock.json: site/package-lock.json
	@echo "Packages for the site..."
	@cd site && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

$(SITE): site/node_modules/.package-lock.json $(shell find posts site/app site/lib site/parts site/public site/scripts -type f) \
  site/next.config.ts site/tsconfig.json site/package.json | $(LOCAL)
	@mkdir -p site/content
	@$(PYTHONPATH_OF_ALL) $(BIN)/python -m local.posts site/content/posts.json
	@cd site && NEXT_TELEMETRY_DISABLED=1 npm run --silent build
	@touch $@

%/bin/python:
	@$(or $(FOUND_PYTHON),$(NO_PYTHON)) -m venv --clear $*

$(VENVS)/uv/bin/uv: | $(VENVS)/uv/bin/python
	@$(VENVS)/uv/bin/python -m pip install --quiet --disable-pip-version-check uv

# boto3 and what it brings is in Lambda's runtime already.
OF_LAMBDA := boto3 botocore jmespath python-dateutil s3transfer six urllib3
LOCKED := $(CURDIR)/$(VENVS)/uv/bin/uv pip compile --quiet --universal --python-version 3.13 --generate-hashes \
  --no-emit-index-url --no-emit-find-links --no-header $(if $(UPGRADE),--upgrade)
