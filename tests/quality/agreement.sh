#!/bin/sh
# agreement.sh VENV QUALITY_CHECK [arguments of agreement_test.py]: brings the real Great Expectations into VENV and compares.
# Skips (exit 77) where that can't be had.
set -eu

here=$(dirname "$0")
venv=$1
shift
if ! "$here/venv.sh" "$venv" >/dev/null 2>"$venv.log"; then
    echo "skipped: the real Great Expectations can't be had: $(tail -n 1 "$venv.log")"
    exit 77
fi
exec "$venv/bin/python" "$here/agreement_test.py" "$@"
