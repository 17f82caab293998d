#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Make .venv-peers, .venv-peers-learning and .venv-peers-safety, where rivals live whose own pins
# would hold back .venv: flyball without extras beside job-shop-lib 1.7.2, which needs ortools below
# 9.13; sbx-rl, which brings JAX, beside mpe2; and solvers of quadratic programs, which bring SciPy.
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
install .venv-peers-safety 'numpy' \
    'qpsolvers==4.13.0' 'osqp==1.1.3' 'quadprog==0.1.14' "$(grep '^daqp==' constraints.txt)"
echo "peers: ready; benchmarks find their rivals there"
