#!/bin/sh
# Makes requirements.lock from pyproject.toml, or says whether the one that is there still fits.
#   lock.sh           renews requirements.lock
#   lock.sh --check   fails when renewing would change it; without a network it says so and passes
set -eu
cd "$(dirname "$0")/../.."

settings="$("${PYTHON:-python3}" tools/local/pip_settings.py)"
eval "$settings"
uv="$(tools/local/venv.sh uv)"
compile() {
    "$uv" pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --extra dev \
        --custom-compile-command "make lock" pyproject.toml -o "$1" >/dev/null
}

if [ "${1:-}" != --check ]; then
    compile requirements.lock
    exit
fi

scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT
cp requirements.lock "$scratch/requirements.lock" # what is locked stays locked as long as it fits
if ! compile "$scratch/requirements.lock" 2>"$scratch/error"; then
    if grep -qiE "failed to fetch|error sending request|dns|timed out|network|connect" "$scratch/error"; then
        echo "lock: could not be checked, the package index cannot be reached"
        exit 0
    fi
    cat "$scratch/error" >&2
    exit 1
fi
cmp -s requirements.lock "$scratch/requirements.lock" || {
    echo "lock: requirements.lock does not fit pyproject.toml any more: run 'make lock'" >&2
    exit 1
}
echo "lock: requirements.lock fits pyproject.toml"
