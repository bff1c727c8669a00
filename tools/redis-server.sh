#!/usr/bin/env bash
# A Redis server for the tests, installed where none is there and the package manager allows it.
# usage: tools/redis-server.sh PYTHON     (the Python of the tests, which says whether one is there)
#
# What fails here is no error: the tests that want a Redis say so themselves, and fail in CI.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive

python=${1:-python3}
scratch=$(mktemp -d)
blocker=""
trap 'rm -rf "$scratch" ${blocker:+"$blocker"}' EXIT

give_up() {
    echo "-- redis: $*" >&2
    exit 0
}

# Prints package=version of the first package that is new enough, of the sources that apt was given.
candidate() {
    local package oldest version
    while read -r package oldest; do
        version=$(apt-cache "$@" madison "$package" | awk -F ' *[|] *' '{print $2}' | sort -rV | head -1)
        version=${version//[[:space:]]/}
        if [[ -n $version ]] && dpkg --compare-versions "${version#*:}" ge "$oldest"; then
            echo "$package=$version"
            return 0
        fi
    done <<<$'valkey-server 8\nredis-server 7.2'
    return 1
}

# A folder of apt sources: this machine's, and the backports beside its main repository.
with_backports() {
    local parts=$scratch/parts line
    mkdir -p "$parts"
    find /etc/apt/sources.list.d -maxdepth 1 -type f -exec cp {} "$parts" \;
    line=$(apt-get indextargets --format '$(ORIGIN)|$(COMPONENT)|$(RELEASE)|$(CODENAME)|$(REPO_URI)' 'Created-By: Packages' |
        awk -F '|' '$1 == "Debian" && $2 == "main" && $3 == $4 {print "deb", $5, $4 "-backports main"; exit}')
    [[ -n $line ]] || return 1
    echo "$line" >"$parts/countersign-backports.list"
    options=(-o "Dir::Etc::sourceparts=$parts")
}

# The tests start their own server on a free port: the package shall start none.
start_no_service() {
    [[ -e /usr/sbin/policy-rc.d ]] && return
    blocker=/usr/sbin/policy-rc.d
    printf '#!/bin/sh\nexit 101\n' >"$blocker"
    chmod +x "$blocker"
}

if found=$("$python" -m tests.support.redis_server 2>&1); then
    echo "redis: $found"
    exit 0
fi
[[ $(id -u) == 0 ]] && command -v apt-get >/dev/null || give_up "$found"

options=()
apt-get update --quiet --quiet </dev/null || give_up "apt-get update failed; $found"
if ! package=$(candidate); then
    with_backports || give_up "no new enough server in this machine's repositories; $found"
    apt-get "${options[@]}" update --quiet --quiet </dev/null || give_up "no backports to be had; $found"
    package=$(candidate "${options[@]}") || give_up "no new enough server in this machine's repositories; $found"
fi
echo "== install: $package"
start_no_service
# Both packages are made from one source, and have to be of one version.
apt-get "${options[@]}" install --yes --quiet --quiet --no-install-recommends \
    "$package" "${package/-server=/-tools=}" </dev/null || give_up "$package could not be installed; $found"
found=$("$python" -m tests.support.redis_server 2>&1) || give_up "$found"
echo "redis: $found"
