#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Make .venv with everything that pyproject.toml asks for, at the versions of constraints.txt.
# Called by make when .venv is missing, older than those two files or was left half made.
set -euo pipefail
cd "$(dirname "$0")/.."
# A second make that starts meanwhile waits here, then finds the work finished.
if command -v flock >/dev/null; then
    exec 9>.setup.lock
    flock 9
fi
half_made=.venv/.installing stamp=.venv/.stamp

fresh() { [ "$stamp" -nt pyproject.toml ] && [ "$stamp" -nt constraints.txt ] && [ ! -e "$half_made" ]; }

find_python() {
    local python
    for python in ${PYTHON:-python3 python3.13 python3.12 python3.11}; do
        if "$python" -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$python"
            return
        fi
    done
    echo "setup: no Python 3.11 or newer with venv was found; allowed: 3.11 to 3.13;" \
        "fix: install one, or name it: make PYTHON=/path/to/python3" >&2
    exit 2
}

# Errors only from pip; a line a second with the count so far where somebody is watching.
install() {
    local what=$1 began=$SECONDS
    shift
    echo "setup: installing $what"
    # Python compiles a module when it is first imported; compiling all of them takes a minute.
    .venv/bin/python -m pip install -qq --no-compile --disable-pip-version-check "$@" 9>&- &
    local pip=$!
    while kill -0 "$pip" 2>/dev/null; do
        sleep 1
        [ ! -t 1 ] || printf '\rsetup: %d packages in place, %d s ' \
            "$(find .venv/lib -maxdepth 3 -name '*.dist-info' | wc -l)" $((SECONDS - began))
    done
    [ ! -t 1 ] || printf '\n'
    # An install that failed by itself can be run again; only a killed one is started anew.
    wait "$pip" || { rm -f "$half_made"; echo "setup: installing $what failed" >&2; exit 1; }
}

! fresh || exit 0
began=$SECONDS
if [ -e "$half_made" ] || { [ -e .venv ] && ! .venv/bin/python -c '' 2>/dev/null; }; then
    echo "setup: .venv was left half made; starting anew"
    rm -rf .venv
fi
[ -e .venv ] || { python=$(find_python); echo "setup: making .venv"; "$python" -m venv .venv; }
touch "$half_made"
# torch first and alone: this is the step for which a machine may name PyTorch's CPU build.
install "torch, 200 MB (if gigabytes come, see 'The CPU build of PyTorch' in README.md)" \
    "$(grep '^torch==' constraints.txt)" -c constraints.txt
extras=train,solve,interop,serve,mariadb,postgresql,archive,console,tensorboard,tune,dev
install "about 160 more packages, 400 MB" -e ".[$extras]" -c constraints.txt
.venv/bin/python -m pip check -q
rm -f "$half_made"
touch "$stamp"
echo "setup: ready after $((SECONDS - began)) s"
