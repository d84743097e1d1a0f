#!/bin/sh
# Makes .venv exactly what requirements.lock says, on a machine that has only Python; does nothing when it is so already.
#   venv.sh        makes or renews .venv
#   venv.sh uv     prints the path of a uv, from PATH or made once in the per-user cache
set -eu
cd "$(dirname "$0")/../.."

cache="${PLAZA_CACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/plaza}"
python="${PYTHON:-python3}"
stamp=.venv/.requirements.sha256

die() { echo "plaza: $*" >&2; exit 1; }

command -v "$python" >/dev/null || die "Python is missing: install Python 3.11 or newer (Debian: apt install python3 python3-venv)."
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    die "$("$python" --version) is too old: install Python 3.11 or newer and name it, as in 'make run PYTHON=python3.12'."

find_uv() {
    if command -v uv; then return; fi
    pinned="$(sha256sum tools/bootstrap.lock | cut -c1-16)"
    uv="$cache/uv/$pinned/uv"
    [ -x "$uv" ] || (bootstrap_uv "$uv")
    echo "$uv"
}

# uv is one program without relatives, so only it is kept, moved into place when it is whole.
bootstrap_uv() {
    echo "plaza: getting uv into $(dirname "$1")" >&2
    mkdir -p "$(dirname "$1")"
    export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
    partial="$(mktemp -d "$(dirname "$1")/.partial.XXXXXX")"
    trap 'rm -rf "$partial"' EXIT
    trap 'exit 130' INT TERM
    if "$python" -m pip --version >/dev/null 2>&1; then
        "$python" -m pip install -q --no-warn-script-location --require-hashes -r tools/bootstrap.lock --target "$partial/uv" >&2
    elif "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        "$python" -m venv "$partial/uv"
        "$partial/uv/bin/python" -m pip install -q --require-hashes -r tools/bootstrap.lock >&2
    else
        die "this Python has neither pip nor ensurepip: run 'apt install python3-venv', or put uv on PATH, and try again."
    fi || die "uv could not be installed: see pip's words above; the network and pip's settings decide."
    mv "$partial/uv/bin/uv" "$1"
}

settings="$("$python" tools/local/pip_settings.py)"
eval "$settings"
if [ "${1:-}" = uv ]; then
    find_uv
    exit
fi

wanted="$(cat requirements.lock tools/bootstrap.lock | sha256sum | cut -c1-64)"
if [ -x .venv/bin/python ] && [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then exit; fi

uv="$(find_uv)"
# Without a stamp the last attempt was interrupted, or the environment is not ours to mend: begin anew.
if [ ! -f "$stamp" ] || ! .venv/bin/python -c '' 2>/dev/null; then rm -rf .venv; fi
rm -f "$stamp"
echo "plaza: making .venv from requirements.lock" >&2
[ -d .venv ] || "$uv" venv -q --no-project --python "$("$python" -c 'import sys; print(sys.executable)')" .venv
"$uv" pip sync -q --require-hashes --python .venv/bin/python requirements.lock ||
    die "the packages of requirements.lock could not be installed: see uv's words above, then run again."
echo "$wanted" > "$stamp.partial"
mv "$stamp.partial" "$stamp"
