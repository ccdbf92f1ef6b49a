# `make help` lists the targets; `make` alone is `make run`. Each sets up what it needs, in .venv (and .venv-sam, .venv-checkov), before it starts.
PYTHON ?= python3
PORT ?= 8000
ARCHITECTURE ?= x86_64
STACK ?= clothes-classifier$(if $(ENV),-$(ENV))
ifneq ($(AWS_REGION),)
deploy: export AWS_DEFAULT_REGION := $(AWS_REGION)# which the AWS SDK for Python and SAM read
endif
SECONDS ?= 300
MINUTES ?= 5
BIN := .venv/bin
PIP := python -m pip install --quiet --disable-pip-version-check
# $(call install,ENVIRONMENT): by pip; with UV=PATH, by uv, in a fraction of the time.
install = $(if $(UV),$(UV) pip install --quiet --compile-bytecode --python $(1)/bin/python,$(1)/bin/$(PIP))

.PHONY: run test test-parallel test-alone test-fast check fuzz soak sam deploy model bench lock clean help unusable

ifneq ($(MODEL),)
run: export MODEL_DIR := $(MODEL)
endif
run: .venv/serve ## serve the API, its page and an emulated AWS on PORT (8000); MODEL=runs/my-shop: with your own model
	$(BIN)/python -m infra.local --port $(PORT)

test: check test-parallel test-alone ## check and test everything: about 20 minutes; one after the other where tests measure or need the machine

test-parallel: .venv/develop .venv-sam/ready
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadscope --ignore tests/system/alone

test-alone: check test-parallel
	$(BIN)/python -m pytest tests/system/alone

test-fast: .venv/test ## unit, API, worker and command line tests: about two minutes, without PyTorch, Docker or a browser
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 -m "not (slow or docker or browser or data)" --ignore tests/bench --ignore tests/model_build $(OPTIONS)

check: .venv/develop .venv-sam/ready .venv-checkov/ready ## lint and type-check; lint the template
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	.venv-sam/bin/cfn-lint template.yaml
	.venv-checkov/bin/checkov --config-file .checkov.yaml

fuzz: .venv/test ## fuzz the decoders and parsers for SECONDS (300), guided by coverage; findings go to build/fuzz
	$(BIN)/$(PIP) --only-binary :all: --group fuzz || echo "atheris has no wheel for this machine"
	$(BIN)/python -m tests.fuzz --seconds $(SECONDS)

soak: .venv/test ## serve good, hostile, slow and broken-off requests for MINUTES (5); memory, files and threads must not grow
	$(BIN)/python -m tests.system.soak --minutes $(MINUTES)

sam: .venv/serve .venv-sam/ready ## serve the function in Lambda's container on PORT; MODEL=runs/my-shop: with your own model
	.venv-sam/bin/sam build
	.venv-sam/bin/sam local start-api --port $(PORT) --warm-containers EAGER $(SAM_ARGUMENTS)

deploy: .venv/serve .venv-sam/ready ## deploy to AWS as STACK, without questions; ALARM_EMAIL=..., BUCKETS=a,b (existing ones), MODEL=runs/my-shop, PARAMETERS="Name=value ...", ENV=dev|prod, GUIDED=1 asks
	$(if $(and $(ENV),$(strip $(ALARM_EMAIL) $(BUCKETS) $(PARAMETERS))),$(error ENV=$(ENV) takes all parameters from samconfig.toml: put them there, or leave out ENV))
	@$(BIN)/python -m infra deployable --stack "$(STACK)" --alarm-email "$(ALARM_EMAIL)"
	.venv-sam/bin/sam build $(if $(ENV),--config-env $(ENV),--parameter-overrides Architecture=$(ARCHITECTURE))
	$(if $(MODEL),$(BIN)/python -m infra.packaging.template_version .aws-sam/build/template.yaml "$(MODEL)")
	.venv-sam/bin/sam deploy --stack-name "$(STACK)" $(if $(GUIDED),--guided) $(if $(ENV),--config-env $(ENV),--no-fail-on-empty-changeset \
		--parameter-overrides Architecture=$(ARCHITECTURE) $(if $(ALARM_EMAIL),AlarmEmail=$(ALARM_EMAIL)) $(if $(BUCKETS),UploadsBucketNames=$(BUCKETS)) $(PARAMETERS))

model: .venv/develop ## train, quantize, evaluate and publish the model; DATASET=my-shop: of your own classes, in runs/my-shop
	$(BIN)/python -m model_build all $(if $(DATASET),--dataset "$(DATASET)") $(OPTIONS)

bench: .venv/develop ## measure everything, or the sections ONLY=..., beside other servers and AGAINST=COMMIT: 10 to 15 minutes; needs wrk and Docker
	$(BIN)/python -m bench $(ONLY) $(if $(AGAINST),--against $(AGAINST))

lock: .venv/develop ## pin requirements.in, with hashes, in requirements.txt
	$(BIN)/uv pip compile --quiet requirements.in --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --custom-compile-command "make lock" --output-file requirements.txt

clean: ## remove the environments and all that was built
	rm -rf .venv .venv-sam .venv-checkov .aws-sam build dist

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

# An environment whose Python is too old, or no longer there, is made anew.
usable = $(shell $(1)/bin/python -c 'import sys, pip; print(sys.version_info >= (3, 11) or "")' 2>/dev/null)
unless_usable = $(if $(call usable,$(1)),,unusable)

define make_environment
@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { echo >&2 \
	"Python 3.11 or later is required, but '$(PYTHON)' is older or missing; name another: make $(or $(MAKECMDGOALS),run) PYTHON=python3.12"; \
	exit 1; }
$(PYTHON) -m venv --clear $(1)
endef

.venv/serve: requirements.txt pyproject.toml $(call unless_usable,.venv)
	$(if $(call usable,.venv),,$(call make_environment,.venv))
	$(BIN)/$(PIP) --upgrade "pip>=25.1"
	$(BIN)/$(PIP) --require-hashes -r requirements.txt
	$(BIN)/$(PIP) --group serve
	touch $@

.venv/test: .venv/serve
	$(BIN)/$(PIP) --group test
	touch $@

.venv/develop: .venv/test
	$(call install,.venv) --group develop
	touch $@

.venv-sam/ready: $(call unless_usable,.venv-sam)
.venv-checkov/ready: $(call unless_usable,.venv-checkov)
.venv-sam/ready .venv-checkov/ready: .venv-%/ready: pyproject.toml
	$(if $(call usable,.venv-$*),,$(call make_environment,.venv-$*))
	$(if $(UV),,.venv-$*/bin/$(PIP) --upgrade "pip>=25.1")
	$(call install,.venv-$*) --group $*
	touch $@
