#!/bin/sh
# venv.sh FOLDER: makes a virtual environment with the reference in it, for tests and benchmarks only.
# Wants Python 3.11: its Unicode tables and its sum() are the ones that our scores are equal to.
set -eu

venv=$1
reference=vaderSentiment==3.3.2
ready=$venv/.ready-3.3.2

[ -e "$ready" ] && exit 0
python=$(command -v python3.11 || command -v python3) || {
    echo "venv.sh: python3 is missing" >&2
    exit 1
}
"$python" -c 'import sys, unicodedata
ok = sys.version_info[:2] == (3, 11) and unicodedata.unidata_version == "14.0.0"
sys.exit(0 if ok else "venv.sh: need Python 3.11 (Unicode 14.0.0), found " + sys.version.split()[0])' || exit 1
"$python" -m venv "$venv" || {
    echo "venv.sh: python3 -m venv failed; Debian: apt install python3-venv" >&2
    exit 1
}
# The reference imports requests at its start.
"$venv/bin/pip" install -q --disable-pip-version-check "$reference" requests || {
    echo "venv.sh: pip could not install $reference; is a package index in reach?" >&2
    exit 1
}
touch "$ready"
