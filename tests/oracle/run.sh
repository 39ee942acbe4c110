#!/bin/sh
# run.sh VENV TEST...: a Python test with the venv's packages; exit 77 (skipped) where there is no venv.
venv=$1
shift
if ! test -x "$venv/bin/python"; then
    echo "no $venv: tools/setup.sh --with test makes it"
    exit 77
fi
exec "$venv/bin/python" "$@" -v
