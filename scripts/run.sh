#!/bin/sh
# What `make run` does once everything is installed: checks the flows, serves the data that the example hotline asks
# for (examples/README.md), starts the bot, which says what it uses.
set -eu
cd "$(dirname "$0")/.."

echo 'flows: checking'
.venv/bin/ivr check flows/ || echo 'flows with errors stay out of service until they are corrected'

# The data end with the bot, which takes this shell's place. Without them the hotline leads callers to a person.
if command -v setpriv >/dev/null; then
    setpriv --pdeathsig TERM \
        .venv/bin/python -m http.server 8070 --bind 127.0.0.1 --directory examples/data >/dev/null 2>&1 &
fi
exec .venv/bin/ivr serve
