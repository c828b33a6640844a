# The whole project by `make`. `make` alone says what there is.
.DEFAULT_GOAL := help
SHELL := /bin/sh
PYTHON := .venv/bin/python
LAB := tests/lab/lab.sh
comma := ,

.PHONY: help run desk test lint format bench bench-speech bench-capacity soak transfers flood setup lab-up lab-down lab-cli lab-logs clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' Makefile | awk -F'|' '{printf "make %-12s %s\n", $$1, $$2}'

run: ## set up what is missing, check the flows, start the bot
	@sh scripts/setup.sh run
	@sh scripts/run.sh

desk: ## the same with people: the lab's telephone system, a queue, an agent's desk, video (README.md)
	@sh scripts/setup.sh run
	@$(LAB) up
	@sh scripts/desk.sh

setup: ## packages, .venv and tools for development, without starting anything
	@sh scripts/setup.sh test

test: setup ## every test, with real calls through the lab
	@$(LAB) up
	IVR_REQUIRE_ALL=1 $(PYTHON) scripts/run_tests.py

lint: ## style, format, types, flows and their conversations
	@sh scripts/setup.sh lint
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/ivr check flows/
	.venv/bin/ivr test flows/ --min-coverage 90
	PBX_PASSWORD=- PHONE_ANNA=- VIDEO_PASSWORD=- .venv/bin/ivr check --config examples/desk/ivr.yaml examples/desk/flows
	PBX_PASSWORD=- PHONE_ANNA=- VIDEO_PASSWORD=- .venv/bin/ivr test --config examples/desk/ivr.yaml examples/desk/flows

format: ## rewrite the code in the common format
	@sh scripts/setup.sh lint
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

bench: setup ## figures, beside Asterisk's where one is named
	@$(LAB) up
	$(PYTHON) -m benchmarks

bench-speech: setup ## how well it hears, answers and lets itself be interrupted
	$(PYTHON) -m benchmarks.speech_table

transfers: setup ## COUNT=100 transfers one after the other, then nothing may be left of them
	$(PYTHON) -m benchmarks.transfers --count $(or $(COUNT),100)

soak: setup ## calls of every kind for MINUTES=30, then nothing may be left of them
	$(PYTHON) -m benchmarks.soak --minutes $(or $(MINUTES),30)

flood: ## 1,000 INVITEs a second for 10 s while 20 callers listen
	@sh scripts/setup.sh capacity
	$(PYTHON) -m benchmarks.flood

bench-capacity: ## many calls at once, beside Asterisk's: CALLS=4,40,100,200
	@sh scripts/setup.sh capacity
	@$(LAB) up
	$(PYTHON) -m benchmarks.capacity --calls $(or $(CALLS),4$(comma)40$(comma)100$(comma)200)

lab-up: ## start the lab: Asterisk 22 on 127.0.0.1:5080
	@$(LAB) up

lab-down: ## stop the lab, and dockerd if the lab started it
	@$(LAB) down

lab-cli: ## Asterisk's command line
	@$(LAB) cli

lab-logs: ## what Asterisk said
	@$(LAB) logs

clean: ## remove .venv and everything that is built
	rm -rf .venv build dist ./*.egg-info .pytest_cache .mypy_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
