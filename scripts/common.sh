# SPDX-License-Identifier: Apache-2.0
# Sourced by the scripts of this folder: where the project is, how it speaks, tools it pins.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
ROOT=$PWD
export LANG=C.UTF-8 LC_ALL=C.UTF-8

say() { printf '\n== %s\n' "$*"; }
die() {
  printf '%s: %s\n' "$(basename "$0")" "$*" >&2
  exit 1
}

# The pinned Node (tools/node); everything but its own installation runs on it.
node_path() { printf '%s/tools/node/node_modules/.bin' "$ROOT"; }

# The lock file of a folder has not changed since its packages were installed by this script.
stamp_of() { printf '%s/build/stamps/%s' "$ROOT" "$(printf '%s' "$1" | tr '/' '-')"; }
stamp_fresh() { # folder file...
  local name=$1
  shift
  [ -s "$(stamp_of "$name")" ] && [ "$(cat "$(stamp_of "$name")")" = "$(cat "$@" | sha256sum)" ]
}
stamp_set() {
  local name=$1
  shift
  mkdir -p "$ROOT/build/stamps"
  cat "$@" | sha256sum >"$(stamp_of "$name")"
}
