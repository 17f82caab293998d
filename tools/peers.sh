#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Make .venv-peers: flyball without extras beside rivals whose own pins would hold back .venv.
# job-shop-lib 1.7.2 needs ortools below 9.13.
set -euo pipefail
cd "$(dirname "$0")/.."
stamp=.venv-peers/.stamp
[ ! "$stamp" -nt pyproject.toml ] || [ ! "$stamp" -nt tools/peers.sh ] || exit 0
echo "peers: making .venv-peers, about 60 packages"
"${PYTHON:-python3}" -m venv --clear .venv-peers
.venv-peers/bin/python -m pip install -qq --disable-pip-version-check -e . \
    'job-shop-lib==1.7.2' "$(grep '^gymnasium==' constraints.txt)" \
    -c <(grep -E '^(numpy|numba|llvmlite|typer|rich)==' constraints.txt)
touch "$stamp"
echo "peers: ready; run a benchmark with .venv-peers/bin/python"
