#!/bin/sh
# venv.sh FOLDER: makes a virtual environment with the real Great Expectations in it, for tests only.
set -eu

venv=$1
packages="great-expectations==1.24.1 pandas==3.1.1 pyarrow==26.0.1 sqlalchemy==2.0.58"
ready=$venv/.ready-1.24.1

[ -e "$ready" ] && exit 0
python=$(command -v python3.11 || command -v python3) || {
    echo "venv.sh: python3 is missing" >&2
    exit 1
}
"$python" -m venv "$venv" || {
    echo "venv.sh: python3 -m venv failed; Debian: apt install python3-venv" >&2
    exit 1
}
# shellcheck disable=SC2086 # a list of words
"$venv/bin/pip" install -q --disable-pip-version-check $packages || {
    echo "venv.sh: pip could not install $packages; is a package index in reach?" >&2
    exit 1
}
touch "$ready"
