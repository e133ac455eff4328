# SPDX-License-Identifier: Apache-2.0
# Sourced by the scripts of this folder: where the project is and how it speaks.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export LANG=C.UTF-8 LC_ALL=C.UTF-8

say() { printf '\n== %s\n' "$*"; }
die() {
  printf '%s: %s\n' "$(basename "$0")" "$*" >&2
  exit 1
}

# The mark that an installer leaves beside its packages: which lock file they came from.
lock_mark() { sha256sum "$1" | cut -d' ' -f1; }
is_marked() { [ "$(cat "$1/.holt-lock" 2>/dev/null)" = "$(lock_mark "$2")" ]; } # folder, lock file
