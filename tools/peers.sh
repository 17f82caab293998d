#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Make .venv-peers and .venv-peers-learning, where rivals live whose own pins would hold back .venv:
# flyball without extras beside job-shop-lib 1.7.2, which needs ortools below 9.13; and sbx-rl, which
# brings JAX, beside mpe2.
set -euo pipefail
cd "$(dirname "$0")/.."

# Do nothing where a folder is newer than what it was made from.
fresh() { [ "$1/.stamp" -nt pyproject.toml ] && [ "$1/.stamp" -nt tools/peers.sh ]; }

install() {
    local venv=$1 pinned=$2
    shift 2
    fresh "$venv" && return
    echo "peers: making $venv, about 60 packages"
    "${PYTHON:-python3}" -m venv --clear "$venv"
    "$venv/bin/python" -m pip install -qq --disable-pip-version-check "$@" \
        -c <(grep -E "^($pinned)==" constraints.txt)
    touch "$venv/.stamp"
}

install .venv-peers 'numpy|numba|llvmlite|typer|rich' -e . \
    'job-shop-lib==1.7.2' "$(grep '^gymnasium==' constraints.txt)"
install .venv-peers-learning 'numpy|torch|gymnasium|pettingzoo|stable_baselines3' \
    'sbx-rl==0.28.0' 'mpe2==1.1.1'
echo "peers: ready; benchmarks find their rivals there"
