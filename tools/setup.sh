#!/usr/bin/env bash
# Brings what marquee is built from: Debian packages, DuckDB's C library and header, the front end's libraries.
# usage: tools/setup.sh [--with test|kafka|dev]...   test: also what make test and fmt run; dev: make fuzz;
#        kafka: what runs the servers of make test-kafka
#
# Says nothing and asks nobody when all of it is there; says what is needed where it cannot install.
# Sets, packages and the checks that find them: tools/deps/debian-packages.txt. Versions and checksums:
# tools/deps/*.lock. Everything fetched lands in .deps/, complete or not at all: a download is unpacked in
# .deps/tmp.*, checked there, then moved. .deps/stamp holds what the locks said and how the files looked when
# all was in order; while it still fits, nothing is read again. Why these sources and in this order:
# docs/decisions/0004-duckdb-library.md.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
deps=$root/.deps
locks=$root/tools/deps
stamp=$deps/stamp
connect_timeout_s=10
client_timeout_s=300

say() { printf 'setup: %s\n' "$*" >&2; }

# ---- Debian packages -------------------------------------------------------------------------------------

# Is what this check names there? (pc: is asked for all packages at once, in missing_packages.)
check_passes() {
    case $1 in
    cmd:*) command -v "${1#cmd:}" >/dev/null ;;
    file:*) compgen -G "${1#file:}" >/dev/null ;;
    py:*) python3 -c "import ${1#py:}" 2>/dev/null ;;
    pc:*) command -v pkg-config >/dev/null && pkg-config --exists "${1#pc:}" ;;
    *) say "tools/deps/debian-packages.txt: unknown check '$1'"; exit 1 ;;
    esac
}

# Prints the packages of the given sets whose check fails.
missing_packages() {
    local sets=" $* " set package check _ modules=()
    local rows=()
    while read -r set package check _; do
        [[ -z $set || $set == \#* || $sets != *" $set "* ]] && continue
        rows+=("$package $check")
        [[ $check == pc:* ]] && modules+=("${check#pc:}")
    done <"$locks/debian-packages.txt"
    local modules_fine=false row
    if ((${#modules[@]})) && command -v pkg-config >/dev/null && pkg-config --exists "${modules[@]}"; then
        modules_fine=true
    fi
    for row in "${rows[@]}"; do
        read -r package check <<<"$row"
        [[ $check == pc:* && $modules_fine == true ]] && continue
        check_passes "$check" || echo "$package"
    done
}

install_packages() {
    local packages=("$@") as_root=()
    local command="apt-get update && apt-get install --no-install-recommends ${packages[*]}"
    if ! command -v apt-get >/dev/null; then
        say "missing, under Debian's names: ${packages[*]}"
        say "this system has no apt-get: install them by its own package manager, then run the same command again"
        exit 1
    fi
    if [[ $(id -u) != 0 ]]; then
        if ! command -v sudo >/dev/null; then
            say "missing: ${packages[*]}"
            say "there is no sudo here; an administrator must run this, then repeat what you typed:"
            printf '  %s\n' "$command" >&2
            exit 1
        fi
        as_root=(sudo)
    fi
    say "installing Debian packages: ${packages[*]}"
    local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300)
    # The lists of a fresh machine are empty and those of an old one name versions that are gone: the first
    # try uses what is there, the second one asks first.
    if "${apt[@]}" install --no-install-recommends "${packages[@]}" >"$deps/apt.log" 2>&1 </dev/null; then
        return
    fi
    if ! { "${apt[@]}" update && "${apt[@]}" install --no-install-recommends "${packages[@]}"; } \
        >"$deps/apt.log" 2>&1 </dev/null; then
        tail -n 15 "$deps/apt.log" >&2
        say "apt-get could not install them (all it said: .deps/apt.log). By hand:"
        printf '  %s\n' "$command" >&2
        exit 1
    fi
}

need_packages() {
    local missing
    missing=$(missing_packages "$@")
    [[ -z $missing ]] && return
    # shellcheck disable=SC2086 # one package a word
    install_packages $missing
    hash -r
    missing=$(missing_packages "$@")
    if [[ -n $missing ]]; then
        say "installed, and yet not found (check column of tools/deps/debian-packages.txt): ${missing//$'\n'/ }"
        exit 1
    fi
}

# ---- checks of what was fetched --------------------------------------------------------------------------

sha256_is() { [[ -f $1 && $(sha256sum <"$1") == "$2  -" ]]; }

# Loads the library and compares the version that it reports.
library_version_is() {
    [[ -f $1 ]] && python3 - "$1" "$2" 2>/dev/null <<'PY'
import ctypes, sys
version = ctypes.CDLL(sys.argv[1]).duckdb_library_version
version.restype = ctypes.c_char_p
sys.exit(version().decode().lstrip("v") != sys.argv[2])
PY
}

# npm pack into a folder; npm compares the archive with the registry's checksum.
npm_fetch() {
    local package=$1 into=$2
    need_packages npm
    mkdir -p "$into"
    (cd "$into" && timeout "$client_timeout_s" npm pack --loglevel=error "$package" >npm.log 2>&1 </dev/null &&
        tar xzf ./*.tgz --strip-components=1) && return
    say "npm could not fetch $package:"
    tail -n 5 "$into/npm.log" >&2
    return 1
}

# ---- DuckDB ----------------------------------------------------------------------------------------------

duckdb_from_system() {
    local into=$1 header library
    for header in /usr/local/include/duckdb.h /usr/include/duckdb.h; do
        sha256_is "$header" "$duckdb_header_sha256" || continue
        while read -r library; do
            library_version_is "$library" "$duckdb_version" || continue
            ln -s "$header" "$into/duckdb.h"
            ln -s "$library" "$into/libduckdb.so"
            return
        done < <({ ldconfig -p 2>/dev/null || /sbin/ldconfig -p; } | sed -n 's/^\s*libduckdb\.so .*=> //p'
            ls /usr/local/lib/libduckdb.so 2>/dev/null)
    done
    return 1
}

fetch_release() {
    python3 - "$1" "$2" "$connect_timeout_s" <<'PY'
import io, os, sys, urllib.request, zipfile
url, into, timeout_s = sys.argv[1], sys.argv[2], int(sys.argv[3])
with urllib.request.urlopen(url, timeout=timeout_s) as answer:
    archive = zipfile.ZipFile(io.BytesIO(answer.read()))
for name in ("duckdb.h", "libduckdb.so"):
    with open(os.path.join(into, name), "wb") as out:
        out.write(archive.read(name))
PY
}

duckdb_from_release() {
    local into=$1 arch_key=duckdb_release_arch_$machine
    [[ -n ${!arch_key:-} ]] || return 1
    local url=${duckdb_release_url//@ARCH@/${!arch_key}}
    if ! fetch_release "$url" "$into" 2>"$into/release.log"; then
        say "DuckDB's release archive is out of reach ($(tail -n 1 "$into/release.log")); asking the package clients"
        return 1
    fi
    if ! sha256_is "$into/duckdb.h" "$duckdb_header_sha256"; then
        say "the header in $url is not the one that tools/deps/duckdb.lock pins; leaving that archive out"
        return 1
    fi
    library_version_is "$into/libduckdb.so" "$duckdb_version" && return
    say "the library in $url does not load as version $duckdb_version; leaving that archive out"
    return 1
}

header_from_crate() {
    local into=$1 project=$1/crate
    command -v cargo >/dev/null || return 1
    mkdir -p "$project"
    printf '[package]\nname="x"\nversion="0.1.0"\nedition="2021"\n[lib]\npath="l.rs"\n[dependencies]\n%s={version="=%s",default-features=false}\n' \
        "$duckdb_crate" "$duckdb_crate_version" >"$project/Cargo.toml"
    : >"$project/l.rs"
    (cd "$project" && timeout "$client_timeout_s" cargo fetch --quiet 2>cargo.log </dev/null) || return 1
    local archive
    for archive in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*/"$duckdb_crate-$duckdb_crate_version/duckdb.tar.gz"; do
        tar xzf "$archive" -C "$into" --strip-components=3 duckdb/src/include/duckdb.h 2>/dev/null || continue
        sha256_is "$into/duckdb.h" "$duckdb_header_sha256" && return
    done
    return 1
}

header_from_pypi() {
    local into=$1 pip=(python3 -m pip)
    if ! "${pip[@]}" --version >/dev/null 2>&1; then
        need_packages venv
        python3 -m venv "$into/venv" >/dev/null || return 1
        pip=("$into/venv/bin/python" -m pip)
    fi
    timeout "$client_timeout_s" "${pip[@]}" download --quiet --no-deps --no-binary "${duckdb_pypi%%==*}" \
        -d "$into" "$duckdb_pypi" >"$into/pip.log" 2>&1 </dev/null || return 1
    tar xzf "$into"/duckdb-*.tar.gz -C "$into" --strip-components=5 --wildcards '*/duckdb/src/include/duckdb.h' &&
        sha256_is "$into/duckdb.h" "$duckdb_header_sha256"
}

duckdb_from_clients() {
    local into=$1 package_key=duckdb_npm_$machine sha_key=duckdb_library_sha256_$machine
    if [[ -z ${!package_key:-} ]]; then
        say "no npm package of DuckDB's library is listed for $machine"
        return 1
    fi
    npm_fetch "${!package_key}" "$into/npm" || return 1
    if ! sha256_is "$into/npm/libduckdb.so" "${!sha_key}"; then
        say "libduckdb.so in ${!package_key} is not the one that tools/deps/duckdb.lock pins"
        return 1
    fi
    mv "$into/npm/libduckdb.so" "$into/libduckdb.so"
    if header_from_crate "$into"; then
        header_source="crate $duckdb_crate $duckdb_crate_version"
    elif header_from_pypi "$into"; then
        header_source="PyPI $duckdb_pypi"
    else
        say "got the library from npm, but duckdb.h neither through cargo nor through pip:"
        tail -n 3 "$into"/crate/cargo.log "$into/pip.log" >&2 2>/dev/null || :
        return 1
    fi
}

# The library that is already there counts when its header is the pinned one and it is either the pinned
# library or one that reports the right version.
duckdb_is_there() {
    local sha_key=duckdb_library_sha256_$machine
    sha256_is "$deps/duckdb/duckdb.h" "$duckdb_header_sha256" || return 1
    [[ -n ${!sha_key:-} ]] && sha256_is "$deps/duckdb/libduckdb.so" "${!sha_key}" && return
    library_version_is "$deps/duckdb/libduckdb.so" "$duckdb_version"
}

need_duckdb() {
    local into source header_source=
    duckdb_is_there && return
    into=$(mktemp -d "$deps/tmp.duckdb.XXXXXX")
    if duckdb_from_system "$into"; then
        source="the system's own library"
    elif rm -rf "${into:?}"/* && duckdb_from_release "$into"; then
        source="DuckDB's release archive"
    elif rm -rf "${into:?}"/* && duckdb_from_clients "$into"; then
        package_key=duckdb_npm_$machine
        source="npm ${!package_key}, header from $header_source"
    else
        say "DuckDB $duckdb_version for C ($machine) is not to be had. Needed, in .deps/duckdb/ or in /usr/local:"
        say "  libduckdb.so, version $duckdb_version"
        say "  duckdb.h, sha256 $duckdb_header_sha256"
        say "tried: the system's library; ${duckdb_release_url//@ARCH@/ARCH}; npm with cargo or pip"
        exit 1
    fi
    mkdir -p "$deps/duckdb"
    # Removed first: a running build may have the old library mapped.
    rm -f "$deps/duckdb/libduckdb.so" "$deps/duckdb/duckdb.h"
    mv "$into/libduckdb.so" "$into/duckdb.h" "$deps/duckdb/"
    echo "$source" >"$deps/duckdb/source"
    rm -rf "$into"
    say "DuckDB $duckdb_version: $source"
}

# ---- front end -------------------------------------------------------------------------------------------

need_web() {
    local package inside name sha into fetched=
    mkdir -p "$deps/web"
    while read -r package inside name sha; do
        [[ -z $package || $package == \#* ]] && continue
        sha256_is "$deps/web/$name" "$sha" && continue
        into=$deps/tmp.web/$package
        [[ -d $into ]] || npm_fetch "$package" "$into" || exit 1
        if ! sha256_is "$into/$inside" "$sha"; then
            say "$inside in npm $package is not the one that tools/deps/web.lock pins"
            exit 1
        fi
        mv "$into/$inside" "$deps/web/$name"
        [[ $fetched == *" $package "* ]] || fetched+=" $package "
    done <"$locks/web.lock"
    rm -rf "$deps/tmp.web"
    [[ -z $fetched ]] || say "front end:$fetched"
}

# ---- Python packages of the tests -------------------------------------------------------------------------

# .deps/venv: what the oracle and the comparisons need. Made again when the list or this folder's path changes.
need_venv() {
    local list=$root/tools/requirements-test.txt venv=$deps/venv text python
    # 3.11 where there is a choice: the reference VADER depends on its Unicode tables and its sum().
    python=$(command -v python3.11 || command -v python3)
    text="$venv $python $(sha256sum <"$list")"
    [[ -f $venv/stamp && $(<"$venv/stamp") == "$text" ]] && return
    rm -rf "$venv"
    if ! { "$python" -m venv "$venv" && timeout "$client_timeout_s" "$venv/bin/python" -m pip install --quiet \
        --disable-pip-version-check -r "$list"; } >"$deps/venv.log" 2>&1 </dev/null; then
        tail -n 5 "$deps/venv.log" >&2
        say "could not make .deps/venv with the packages of tools/requirements-test.txt"
        exit 1
    fi
    echo "$text" >"$venv/stamp"
    say "test packages: $(sed 's/ *#.*//' "$list" | tr '\n' ' ')"
}

# .deps/locale: one whose decimal sign is a comma, for the tests that nothing we write depends on it.
need_locale() {
    [[ -d $deps/locale/de_DE.UTF-8 ]] && return
    mkdir -p "$deps/tmp.locale" "$deps/locale"
    localedef -i de_DE -f UTF-8 "$deps/tmp.locale/de_DE.UTF-8"
    mv "$deps/tmp.locale/de_DE.UTF-8" "$deps/locale/"
}

# ---- main ------------------------------------------------------------------------------------------------

# What the stamp must say: the locks and this script as they are, and the files as they look.
stamp_text() {
    cat "${BASH_SOURCE[0]}" "$locks/duckdb.lock" "$locks/web.lock" | sha256sum
    stat -L -c '%n %s %Y' "$deps"/duckdb/{libduckdb.so,duckdb.h} "$deps"/web/* 2>/dev/null || :
}

main() {
    local sets=(build)
    while (($#)); do
        case $1 in
        --with)
            case ${2:-} in
            test | kafka | dev) sets+=("$2") ;;
            *) say "--with takes test, kafka or dev"; exit 2 ;;
            esac
            shift 2
            ;;
        -h | --help)
            sed -n '2,4s/^# //p' "${BASH_SOURCE[0]}"
            exit 0
            ;;
        *)
            say "unknown argument '$1'; usage: tools/setup.sh [--with test|kafka|dev]..."
            exit 2
            ;;
        esac
    done
    mkdir -p "$deps"
    exec 9>"$deps/lock"
    flock 9
    need_packages "${sets[@]}"
    if [[ " ${sets[*]} " == *" test "* ]]; then
        need_locale
        need_venv
    fi
    [[ -f $stamp && $(<"$stamp") == "$(stamp_text)" ]] && return
    rm -rf "$deps"/tmp.* # a setup that was interrupted
    machine=$(uname -m)
    # shellcheck source=deps/duckdb.lock
    source "$locks/duckdb.lock"
    need_duckdb
    need_web
    stamp_text >"$stamp"
}

main "$@"
