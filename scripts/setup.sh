#!/bin/sh
# Makes this clone ready: system packages, .venv, the project in it. Second run: nothing to do, a few milliseconds.
#   setup.sh run    what the bot needs
#   setup.sh lint   also the tools for development
#   setup.sh test   also what the tests call upon: PostgreSQL, Docker, ...
#   setup.sh capacity   also what `make bench-capacity` calls with
set -eu

cd "$(dirname "$0")/.."
level=${1:-run}
venv=.venv
stamp=$venv/.setup-$level
cache=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/ivr
wanted='3.12 3.11' # the versions that pjsua2 has wheels for

say() { echo "setup: $*"; }
fail() { say "$*" >&2; exit 1; }

fingerprint() { # changes when the installation has to be looked at again
    { cat pyproject.toml scripts/setup.sh; pwd; } | cksum
    cat $venv/pyvenv.cfg
}

version_of() { "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || true; }

is_wanted() { # PYTHON: the right version, and CPython
    case " $wanted " in *" $(version_of "$1") "*) ;; *) return 1 ;; esac
    [ "$("$1" -c 'import sys; print(sys.implementation.name)')" = cpython ]
}

# --- system packages -------------------------------------------------------------------------------------------------

as_root=''
may_install() {
    command -v apt-get >/dev/null 2>&1 || return 1
    [ "$(id -u)" = 0 ] && return 0
    command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null && as_root='sudo -n'
}

install_packages() { # NAME...: installs them, or says how and returns 1
    if ! may_install; then
        if command -v apt-get >/dev/null 2>&1; then say "needs root; please run:  sudo apt-get install -y $*"
        else say "this is neither Debian nor Ubuntu; please install what is called there: $*"; fi
        return 1
    fi
    say "system packages: installing $*"
    log=$(mktemp)
    $as_root apt-get update -q >"$log" 2>&1 || say 'apt-get update failed; trying with the package lists that are there'
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@" >"$log" 2>&1 || {
        tail -n 5 "$log" >&2
        return 1
    }
    rm -f "$log"
}

has_library() { { /sbin/ldconfig -p 2>/dev/null || ldconfig -p 2>/dev/null; } | grep -q "$1"; }
has_command() { command -v "$1" >/dev/null 2>&1; }
has_file() { for file in "$@"; do [ -e "$file" ] && return 0; done; return 1; }

venv_package() { # PYTHON: prints the package with its ensurepip, which Debian keeps apart, if that is missing
    [ -n "$1" ] && ! "$1" -c 'import ensurepip, venv' 2>/dev/null || return 0
    if [ "$(version_of "$1")" = "$(version_of /usr/bin/python3)" ]; then echo python3-venv
    else echo "python$(version_of "$1")-venv"; fi
}

has_front() { # Kamailio with TLS and WebSocket: before several workers
    modules=/usr/lib/*/kamailio/modules
    # shellcheck disable=SC2086  # a pattern
    { has_command kamailio || [ -x /usr/sbin/kamailio ]; } && has_file $modules/tls.so && has_file $modules/websocket.so && return 0
    echo kamailio; echo kamailio-tls-modules; echo kamailio-websocket-modules
}

missing_packages() { # PYTHON or nothing
    has_library libespeak-ng.so.1 || echo libespeak-ng1
    has_venv || venv_package "$1"
    case $level in test | capacity) ;; *) return 0 ;; esac
    has_file /usr/lib/postgresql/*/bin/initdb || echo postgresql
    { has_command docker && has_command dockerd; } || echo docker.io
    { has_command docker-compose || docker compose version >/dev/null 2>&1; } || echo docker-compose
    has_command mmdebstrap || echo mmdebstrap
    has_command git || echo git
    has_command dot || echo graphviz
    has_command flite || echo flite
    has_command chromium || echo chromium # pages of the desk
    { has_command turnserver || [ -x /usr/sbin/turnserver ]; } || echo coturn # a relay for pages in tests/live/test_turn.py
    has_command ip || [ -x /usr/sbin/ip ] || echo iproute2
    has_command iptables || [ -x /usr/sbin/iptables ] || echo iptables # a router for tests/live/test_nat.py
    has_file /etc/protocols || echo netbase # Kamailio looks for it
    has_front
    [ "$level" = capacity ] || return 0
    has_command sipp || echo sip-tester
    has_command tcpdump || echo tcpdump
}

# --- Python ----------------------------------------------------------------------------------------------------------

find_python() { # prints a fitting interpreter
    for candidate in "${IVR_PYTHON:-}" python3.12 python3.11 python3 \
        "${PYENV_ROOT:-${HOME:-}/.pyenv}"/versions/3.12.*/bin/python "${PYENV_ROOT:-${HOME:-}/.pyenv}"/versions/3.11.*/bin/python; do
        path=$(command -v "${candidate:-/nonexistent}" 2>/dev/null) && is_wanted "$path" && echo "$path" && return 0
    done
    return 1
}

python_from_packages() { # the distribution may have a fitting version beside its default one
    may_install || return 1
    for version in $wanted; do
        apt-cache show "python$version" >/dev/null 2>&1 || continue
        install_packages "python$version" "python$version-venv" && return 0
    done
    return 1
}

uv_command() { # uv of the PATH, or one in a virtual environment of its own
    command -v uv && return 0
    has_command python3 || fail 'there is no python3 at all; please install CPython 3.12'
    need=$(venv_package python3)
    [ -z "$need" ] || install_packages "$need" >&2 || fail "without $need uv cannot be installed"
    [ -x "$cache/uv/bin/uv" ] || {
        say "getting uv with pip" >&2
        python3 -m venv "$cache/uv" >&2 &&
            "$cache/uv/bin/pip" install --disable-pip-version-check -qq uv >&2 ||
            fail 'uv could not be installed with pip; please install CPython 3.12 yourself, or set IVR_PYTHON to one'
    }
    echo "$cache/uv/bin/uv"
}

python_from_uv() {
    here=$(version_of python3)
    say "python3 here is ${here:-absent}, but pjsua2 has wheels for CPython 3.11 and 3.12 only: getting 3.12 with uv" >&2
    uv=$(uv_command)
    timeout 300 "$uv" python install -q 3.12 >&2 || {
        fail "uv could not download CPython 3.12. Please install CPython 3.12 or 3.11 (package, pyenv) and run again, or set IVR_PYTHON=/path/to/python3.12"
    }
    "$uv" python find 3.12
}

# --- the steps -------------------------------------------------------------------------------------------------------

has_venv() { [ -x $venv/bin/pip ] && is_wanted $venv/bin/python; }

step_packages() {
    missing=$(missing_packages "$(find_python || true)" | tr '\n' ' ')
    [ -z "$missing" ] && return 0
    # shellcheck disable=SC2086  # a list of words
    install_packages $missing && no_relay_of_its_own "$missing" && return 0
    say "going on without: $missing"
    is_complete=no
}

no_relay_of_its_own() { # PACKAGES: coturn begins to relay for anybody as soon as it is installed, and goes on at each start
    case " $1 " in *' coturn '*) ;; *) return 0 ;; esac
    has_command systemctl && $as_root systemctl disable -q --now coturn >/dev/null 2>&1 || true
}

step_python() {
    if has_venv; then return 0; fi
    python=$(find_python) || { python_from_packages && python=$(find_python); } || python=$(python_from_uv)
    need=$(venv_package "$python")
    [ -z "$need" ] || fail "without the package $need no virtual environment can be made"
    say "making $venv with $python ($(version_of "$python"))"
    rm -rf $venv
    "$python" -m venv $venv
}

step_project() {
    extras=''
    case $level in lint) extras='[dev]' ;; test | capacity) extras='[dev,piper]' ;; esac
    say "installing the project$extras and its libraries (a minute or two the first time)"
    $venv/bin/python -m pip install --disable-pip-version-check --no-input --use-pep517 -qq -e ".$extras" ||
        fail 'pip could not install the project; see its message above'
    $venv/bin/python -m compileall -q ivr || true # commands start 0.3 s sooner, also where Python may not keep what it compiles
}

if [ -f $stamp ] && [ "$(fingerprint 2>/dev/null)" = "$(cat $stamp)" ]; then exit 0; fi
is_complete=yes
step_packages
step_python
step_project
[ $is_complete = no ] || fingerprint >$stamp
say 'ready'
