# make run | test | check | sam | deploy | model | bench | lock: each sets up what it needs, in .venv (and .venv-sam, .venv-checkov), before it starts.
PYTHON ?= python3
PORT ?= 8000
ARCHITECTURE ?= x86_64
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: run test check sam deploy model bench lock clean

run: .venv/serve
	$(BIN)/python -m infra.local --port $(PORT)

test: check .venv/bench
	$(BIN)/python -m pytest

check: .venv/develop .venv-sam/ready .venv-checkov/ready
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	.venv-sam/bin/cfn-lint template.yaml
	.venv-checkov/bin/checkov --config-file .checkov.yaml

sam: .venv/serve .venv-sam/ready
	.venv-sam/bin/sam build
	.venv-sam/bin/sam local start-api --port $(PORT) --warm-containers EAGER $(SAM_ARGUMENTS)

deploy: .venv/serve .venv-sam/ready # asks for all that it needs; ENV=dev or ENV=prod takes it from samconfig.toml
	.venv-sam/bin/sam build $(if $(ENV),--config-env $(ENV),--parameter-overrides Architecture=$(ARCHITECTURE))
	.venv-sam/bin/sam deploy $(if $(ENV),--config-env $(ENV),--guided --parameter-overrides Architecture=$(ARCHITECTURE))

model: .venv/develop
	$(BIN)/python -m model_build all

.venv/serve: requirements.txt pyproject.toml
	$(PYTHON) -m venv .venv
	$(PIP) --upgrade "pip>=25.1"
	$(PIP) --require-hashes -r requirements.txt
	$(PIP) --group serve
	touch $@

.venv/develop: .venv/serve
	$(PIP) --group train --group test
	touch $@

.venv/bench: .venv/develop
	$(PIP) --group bench
	touch $@

.venv-sam/ready .venv-checkov/ready: .venv-%/ready: pyproject.toml
	$(PYTHON) -m venv .venv-$*
	.venv-$*/bin/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1"
	.venv-$*/bin/python -m pip install --quiet --disable-pip-version-check --group $*
	touch $@

bench: .venv/bench .venv-sam/ready # with Docker running; a few minutes
	$(BIN)/python -m bench

lock: .venv/develop # requirements.in says what is wanted, requirements.txt what is installed, file by file
	$(BIN)/uv pip compile --quiet requirements.in --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --custom-compile-command "make lock" --output-file requirements.txt

clean:
	rm -rf .venv .venv-sam .venv-checkov .aws-sam build
