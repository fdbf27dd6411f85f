#!/usr/bin/env bash
# Sets up what the other make targets need: system libraries, .venv, packages. Starts in a second when nothing changed.
# usage: scripts/env.sh [run|dev]   run: what the demo needs; dev (default): also the tools for tests, linters, docs
# PYTHON=/path/to/python3.12 chooses the interpreter; pip reads its own configuration and PIP_* variables as usual.
set -euo pipefail
cd "$(dirname "$0")/.."

level=${1:-dev}
venv=.venv
stamp=$venv/.microrecon-$level
PIP_VERSION=26.3 # dependency groups need 25.1, build constraints 25.3; older distributions bring 23

# What PyQt6 and napari load at run time, and what shows a window where there is no display: "file package".
LIBRARIES='
libGL.so.1 libgl1
libEGL.so.1 libegl1
libglib-2.0.so.0 libglib2.0-0
libfontconfig.so.1 libfontconfig1
libdbus-1.so.3 libdbus-1-3
libxkbcommon.so.0 libxkbcommon0
libxkbcommon-x11.so.0 libxkbcommon-x11-0
libxcb-cursor.so.0 libxcb-cursor0
libxcb-icccm.so.4 libxcb-icccm4
libxcb-keysyms.so.1 libxcb-keysyms1
libxcb-shape.so.0 libxcb-shape0
libxcb-xkb.so.1 libxcb-xkb1
'
COMMANDS='Xvfb xvfb
xauth xauth'

say() { printf '%s\n' "env: $*"; }
die() { printf '%s\n' "env: $*" >&2; exit 1; }

# --- system packages -------------------------------------------------------------------------------------------------

# apt_install PACKAGE...: installs them, or says the line that does and stops.
apt_install() {
    local line="apt-get install -y --no-install-recommends $*" as=()
    if [ "$(id -u)" -ne 0 ]; then
        if command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
            as=(sudo)
        else
            die "system packages are missing and this needs root; run this, then make again:
    sudo apt-get update && sudo $line"
        fi
    fi
    say "installing system packages: $*"
    "${as[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -q >/dev/null || say 'apt-get update failed; trying without'
    "${as[@]}" env DEBIAN_FRONTEND=noninteractive $line -q >/dev/null ||
        die "apt-get failed; run this by hand, then make again:
    sudo apt-get update && sudo $line"
}

# Asked of the loader, not of dpkg: package names differ between releases (libglib2.0-0t64), file names do not.
missing_system_packages() {
    local known file package
    known=$( (ldconfig -p 2>/dev/null || /sbin/ldconfig -p) | awk '{print $1}' | sort -u)
    while read -r file package; do
        [ -z "$file" ] || grep -qxF "$file" <<<"$known" || printf '%s ' "$package"
    done <<<"$LIBRARIES"
    while read -r file package; do
        command -v "$file" >/dev/null || printf '%s ' "$package"
    done <<<"$COMMANDS"
}

check_system() {
    [ "$(uname -s)" = Linux ] || return 0
    local missing
    missing=$(missing_system_packages)
    [ -n "$missing" ] || return 0
    if command -v apt-get >/dev/null; then
        # shellcheck disable=SC2086  # a list of words
        apt_install $missing
    else
        say "these seem to be missing (Debian's names); install them if napari does not start: $missing"
    fi
}

# --- python ----------------------------------------------------------------------------------------------------------

fits() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' >/dev/null 2>&1; }

# Prints the interpreter to use; 3.11 first, because it is the one most tested.
find_python() {
    local candidate
    for candidate in ${PYTHON:-python3.11 python3.12 python3.13 python3 /usr/bin/python3}; do
        if fits "$candidate"; then
            command -v "$candidate"
            return
        fi
    done
    return 1
}

make_venv() {
    if [ -x $venv/bin/python ] && fits $venv/bin/python && $venv/bin/python -m pip --version >/dev/null 2>&1; then
        return
    fi
    local python version
    if ! python=$(find_python); then
        [ -z "${PYTHON:-}" ] || die "$PYTHON is no Python of 3.11 to 3.13"
        for version in 3.12 3.11 3.13; do
            if command -v apt-cache >/dev/null && [ -n "$(apt-cache search "^python$version-venv\$" 2>/dev/null)" ]; then
                apt_install "python$version" "python$version-venv"
                break
            fi
        done
        python=$(find_python) || die 'needs Python 3.11, 3.12 or 3.13, and found none; install one (python.org, or' \
            '"uv python install 3.12"), or name it: make env PYTHON=/path/to/python3.12'
    fi
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        # Debian and Ubuntu split venv from Python.
        command -v apt-get >/dev/null || die "$python has no ensurepip; install the venv package of Python $version"
        apt_install "python$version-venv"
    fi
    say "creating $venv with Python $version ($python)"
    "$python" -m venv --clear $venv
}

# --- packages --------------------------------------------------------------------------------------------------------

# Everything the installed set depends on: these files, the place (editable installs know their path), the interpreter.
fingerprint() {
    { cat pyproject.toml constraints.txt scripts/env.sh; pwd; $venv/bin/python -VV; } | cksum
}

install_packages() {
    local pip=("$venv/bin/python" -m pip --disable-pip-version-check) constraints=(-c constraints.txt)
    local groups=()
    [ "$level" != dev ] || groups=(--group dev)
    say 'installing packages (first time: several minutes and up to some gigabytes, most of it torch) ...'
    "${pip[@]}" install -q "pip==$PIP_VERSION" || "${pip[@]}" install -q 'pip>=25.3'
    # torch first: what comes after must fit it, and a failed download of the largest package shows at once.
    "${pip[@]}" install -q "${constraints[@]}" torch
    "${pip[@]}" install -q "${constraints[@]}" --build-constraint constraints.txt -e '.[all]' "${groups[@]}"
    $venv/bin/python -c 'import napari_microrecon as package; print("env: napari-microrecon", package.__version__, "is ready")'
}

case $level in run | dev) ;; *) die "unknown level $level: run or dev" ;; esac
started=$SECONDS
check_system
make_venv
now=$(fingerprint)
for done in "$stamp" $venv/.microrecon-dev; do
    if [ -f "$done" ] && [ "$(cat "$done")" = "$now" ]; then
        exit 0
    fi
done
install_packages
printf '%s\n' "$now" >"$stamp"
say "took $((SECONDS - started)) s"
