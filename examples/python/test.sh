#!/bin/sh
# Builds the wheel, installs it in a fresh environment, and runs the tests, the type checker and the scripts there.
set -eu
cd "$(dirname "$0")"
rm -rf wheels
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet maturin
"$work/venv/bin/maturin" build --release --out wheels
wheel=$(ls wheels/tapetum-*.whl)
size=$(wc -c <"$wheel")
echo "the wheel has $size bytes"
[ "$size" -lt 15000000 ] || { echo "a wheel below 15,000,000 bytes is expected"; exit 1; }
"$work/venv/bin/pip" install --quiet "$wheel[test]"
"$work/venv/bin/python" -m pytest -q
"$work/venv/bin/mypy" training_loop.py connectome.py
"$work/venv/bin/python" training_loop.py
MPLBACKEND=Agg "$work/venv/bin/python" connectome.py "$work/connectome.png"
