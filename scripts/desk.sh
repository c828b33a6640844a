#!/bin/sh
# What `make desk` does once everything is installed: an agent and a login, and the bot of examples/desk beside the lab.
set -eu
cd "$(dirname "$0")/.."
config=examples/desk/ivr.yaml
ivr=.venv/bin/ivr

# Accounts of the lab, which anybody may know. With a telephone system of your own, set these before.
export PBX_PASSWORD="${PBX_PASSWORD:-ivr-secret}"
export PHONE_ANNA="${PHONE_ANNA:-agent-web1-secret}"
export VIDEO_PASSWORD="${VIDEO_PASSWORD:-guest-secret}"

$ivr check --config "$config" examples/desk/flows
$ivr agents add anna --sip sip:2101@127.0.0.1:5080 --config "$config" >/dev/null
if ! $ivr users --json --config "$config" | grep -q '"anna"'; then
    password=$(.venv/bin/python -c 'import secrets; print(secrets.token_urlsafe(12))')
    printf '%s\n' "$password" | $ivr users add anna --role supervisor --config "$config" >/dev/null
    echo "agent: anna, password: $password"
else
    echo "agent: anna (another password: $ivr users password anna --config $config)"
fi
exec $ivr serve --config "$config"
