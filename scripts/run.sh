#!/bin/sh
# What `make run` does once everything is installed: says which speech model is used, checks the flows, starts the bot.
set -eu
cd "$(dirname "$0")/.."
ivr=.venv/bin/ivr

$ivr models
echo 'flows:'
$ivr check flows/
exec $ivr serve
