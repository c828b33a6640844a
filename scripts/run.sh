#!/bin/sh
# What `make run` does once everything is installed: checks the flows, starts the bot, which says what it uses.
set -eu
cd "$(dirname "$0")/.."

echo 'flows: checking'
.venv/bin/ivr check flows/ || echo 'flows with errors stay out of service until they are corrected'
exec .venv/bin/ivr serve
