#!/bin/sh
# The lab: Asterisk 22 on 127.0.0.1:5080, as a container or, where containers cannot run, from a root file system.
#   lab.sh up | down | status | stop | start | cli [COMMAND] | logs | put FILE NAME
# Everything is idempotent. LAB_MODE=chroot leaves containers aside; LAB_ROOT is the folder for logs and that mode's files.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
name=ivr-lab
image=ivr-lab:22
LAB_ROOT=${LAB_ROOT:-/var/cache/ivr-lab}
LAB_MODE=${LAB_MODE:-auto}
root=$LAB_ROOT/root
export DOCKER_BUILDKIT=0 COMPOSE_DOCKER_CLI_BUILD=0 # the classic builder takes local base images

say() { echo "lab: $*" >&2; }
fail() { say "$*"; exit 1; }
is_root() { [ "$(id -u)" = 0 ]; }

lab_hash() { (cd "$here" && cat Dockerfile docker-compose.yml etc/* moh/* | sha256sum | cut -c1-16); }
docker_works() { command -v docker >/dev/null 2>&1 && docker version >/dev/null 2>&1; }
container_state() { docker inspect -f '{{.State.Running}} {{index .Config.Labels "lab.hash"}}' $name 2>/dev/null || true; }
chroot_pid() { # of the container-less Asterisk, if it lives
    pid=$(cat "$LAB_ROOT/pid" 2>/dev/null) && [ "$(readlink "/proc/$pid/root")" = "$root" ] && echo "$pid"
}

packages() { # installs what is missing, as root only
    missing=''
    command -v docker >/dev/null && command -v dockerd >/dev/null || missing="$missing docker.io"
    docker_compose version >/dev/null 2>&1 || missing="$missing docker-compose"
    command -v mmdebstrap >/dev/null || missing="$missing mmdebstrap"
    [ -z "$missing" ] && return 0
    is_root || { say "missing:$missing; as root: apt-get install$missing"; return 1; }
    say "installing$missing"
    apt-get update -q >/dev/null && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing >/dev/null
}

docker_compose() {
    if command -v docker-compose >/dev/null; then docker-compose "$@"; else docker compose "$@"; fi
}

daemon() { # a docker daemon that answers: the one that runs, or one of our own
    docker_works && return 0
    is_root || return 1
    command -v dockerd >/dev/null || return 1
    say 'starting dockerd'
    mkdir -p "$LAB_ROOT"
    # A stale pid file whose number now belongs to another program would keep dockerd from starting.
    grep -qs dockerd "/proc/$(cat /var/run/docker.pid 2>/dev/null)/comm" || rm -f /var/run/docker.pid
    # No firewall rules and no bridge: the lab needs the host's network only, and many places forbid both.
    setsid dockerd --iptables=false --bridge=none >"$LAB_ROOT/dockerd.log" 2>&1 </dev/null &
    echo $! >"$LAB_ROOT/dockerd.pid"
    tries=0
    until docker_works; do
        tries=$((tries + 1))
        kill -0 "$(cat "$LAB_ROOT/dockerd.pid")" 2>/dev/null && [ $tries -lt 150 ] && sleep 0.2 && continue
        say "dockerd does not start: $(tail -n 1 "$LAB_ROOT/dockerd.log")"
        rm -f "$LAB_ROOT/dockerd.pid"
        return 1
    done
}

debootstrap() { # DIR-or-"-" [more packages]: Debian sid
    out=$1
    shift
    mmdebstrap --quiet --aptopt='Acquire::Check-Valid-Until "false"' --variant=minbase "$@" sid "$out"
}

base_image() {
    docker image inspect debian:sid >/dev/null 2>&1 && return 0
    say 'getting the base image debian:sid'
    timeout 120 docker pull -q debian:sid >/dev/null 2>&1 && return 0
    say 'no image registry here: building the base image with mmdebstrap'
    debootstrap - >"$LAB_ROOT/base.tar" && docker import "$LAB_ROOT/base.tar" debian:sid >/dev/null
    rm -f "$LAB_ROOT/base.tar"
}

container_up() {
    browser_net 2>/dev/null || true
    mkdir -p "$LAB_ROOT" 2>/dev/null || LAB_ROOT=$(mktemp -d)
    base_image || return 1
    LAB_HASH=$(lab_hash)
    export LAB_HASH
    if [ "$(docker image inspect -f '{{index .Config.Labels "lab.hash"}}' $image 2>/dev/null)" != "$LAB_HASH" ]; then
        say 'building the Asterisk image'
        docker_compose -p $name -f "$here/docker-compose.yml" build >"$LAB_ROOT/build.log" 2>&1 ||
            { tail -n 5 "$LAB_ROOT/build.log" >&2; return 1; }
    fi
    docker_compose -p $name -f "$here/docker-compose.yml" up -d >"$LAB_ROOT/up.log" 2>&1 ||
        { tail -n 5 "$LAB_ROOT/up.log" >&2; return 1; }
}

chroot_up() { # without containers: the same Asterisk straight from its root file system
    is_root || return 1
    browser_net 2>/dev/null || true
    command -v mmdebstrap >/dev/null || return 1
    if ! [ -x "$root/usr/sbin/asterisk" ]; then
        say 'containers do not work here: building a root file system with mmdebstrap'
        mkdir -p "$LAB_ROOT"
        rm -rf "$root"
        debootstrap "$root" --include=asterisk,asterisk-core-sounds-en || return 1
    fi
    rm -rf "$root/etc/asterisk" "$root/var/lib/asterisk/moh"
    cp -r "$here/etc" "$root/etc/asterisk"
    cp -r "$here/moh" "$root/var/lib/asterisk/moh"
    chmod -R a+rX "$root/etc/asterisk" "$root/var/lib/asterisk/moh"
    mkdir -p "$root/var/lib/asterisk/sounds/lab"
    lab_hash >"$LAB_ROOT/hash"
    chroot_start
}

chroot_start() {
    [ -c "$root/dev/null" ] || { rm -f "$root/dev/null"; mknod -m 666 "$root/dev/null" c 1 3; }
    chroot "$root" install -d -o asterisk -g asterisk /run/asterisk
    setsid chroot "$root" asterisk -fvvvn -U asterisk >>"$LAB_ROOT/asterisk.log" 2>&1 </dev/null &
    echo $! >"$LAB_ROOT/pid"
}

asterisk_rx() { # one command line for Asterisk
    if [ -n "$(chroot_pid)" ]; then chroot "$root" asterisk -rx "$1"; else docker exec $name asterisk -rx "$1"; fi
}

browser_net() { # an address for browsers: Asterisk offers none of 127.0.0.0/8 for their audio and video
    command -v ip >/dev/null && is_root || return 0
    ip link show lab0 >/dev/null 2>&1 || ip link add lab0 type veth peer name lab1 || return 0
    ip addr replace 10.77.0.1/24 dev lab0 && ip link set lab0 up && ip link set lab1 up
}

has_browser_net() { grep -qs '10\.77\.0\.1$' /proc/net/fib_trie; }

wait_ready() {
    tries=0
    until asterisk_rx 'core show uptime' 2>/dev/null | grep -q uptime &&
        asterisk_rx 'core waitfullybooted' 2>/dev/null | grep -q booted; do
        tries=$((tries + 1))
        [ $tries -lt 100 ] || fail "Asterisk does not get ready; see: $0 logs"
        sleep 0.2
    done
}

up() {
    has_browser_net || browser_net 2>/dev/null || true
    if [ -n "$(chroot_pid)" ]; then
        [ "$(cat "$LAB_ROOT/hash")" = "$(lab_hash)" ] && return 0
        down
    fi
    [ "$LAB_MODE" = auto ] && [ "$(container_state)" = "true $(lab_hash)" ] && return 0
    # Two that start it at once would build twice; the second one waits and then finds it running.
    if [ "${LAB_LOCKED:-}" = '' ] && mkdir -p "$LAB_ROOT" 2>/dev/null; then
        LAB_LOCKED=1 flock -o "$LAB_ROOT/lock" "$here/lab.sh" up
        return
    fi
    packages || true
    if ! { [ "$LAB_MODE" = auto ] && daemon && container_up; } && ! chroot_up; then
        fail 'neither a container nor a root file system could be started; run as root, or let this user use docker'
    fi
    wait_ready
    say 'Asterisk is ready at 127.0.0.1:5080'
    has_browser_net || say 'no audio and video with browsers: 10.77.0.1 is missing; it takes root, iproute2 and the right NET_ADMIN'
}

down() {
    if pid=$(chroot_pid); then kill "$pid" && wait_gone "$pid"; rm -f "$LAB_ROOT/pid"; fi
    docker_works && docker rm -f $name >/dev/null 2>&1 || true
    # Only a daemon that this script started, and only when nothing else uses it.
    if [ -f "$LAB_ROOT/dockerd.pid" ] && docker_works && [ -z "$(docker ps -q)" ]; then
        kill "$(cat "$LAB_ROOT/dockerd.pid")" 2>/dev/null && wait_gone "$(cat "$LAB_ROOT/dockerd.pid")"
        rm -f "$LAB_ROOT/dockerd.pid"
    fi
}

wait_gone() {
    tries=0
    while kill -0 "$1" 2>/dev/null; do
        tries=$((tries + 1))
        [ $tries -lt 75 ] || { kill -9 "$1" 2>/dev/null || true; return 0; }
        sleep 0.2
    done
}

status() {
    if [ -n "$(chroot_pid)" ]; then echo "running (root file system $root)"
    elif docker_works && [ "$(container_state | cut -d' ' -f1)" = true ]; then echo 'running (container)'
    else echo 'not running'; return 1; fi
}

case ${1:-} in
up) up ;;
down) down ;;
status) status ;;
# An outage: every call and registration is lost, the SIP port is closed.
stop)
    if pid=$(chroot_pid); then kill -9 "$pid"; wait_gone "$pid"; else docker kill $name >/dev/null; fi ;;
start)
    if [ -f "$LAB_ROOT/pid" ]; then chroot_start; else docker start $name >/dev/null; fi
    wait_ready ;;
cli)
    shift
    if [ $# -gt 0 ]; then asterisk_rx "$*"
    elif [ -n "$(chroot_pid)" ]; then chroot "$root" asterisk -rvvv
    else docker exec -it $name asterisk -rvvv; fi ;;
logs)
    if [ -f "$LAB_ROOT/pid" ]; then tail -n 1000 "$LAB_ROOT/asterisk.log"; else docker logs --tail 1000 $name 2>&1; fi ;;
# Makes a WAV (8 kHz, mono, 16 bit) known to the dialplan as lab/NAME.
put)
    if [ -n "$(chroot_pid)" ]; then install -m 644 "$2" "$root/var/lib/asterisk/sounds/lab/$3.wav"
    else docker cp "$2" "$name:/var/lib/asterisk/sounds/lab/$3.wav" >/dev/null &&
        docker exec $name chmod 644 "/var/lib/asterisk/sounds/lab/$3.wav"; fi ;;
*) sed -n '2,4s/^# //p' "$0"; exit 2 ;;
esac
