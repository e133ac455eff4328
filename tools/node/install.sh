#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs the pinned Node and npm into tools/node/node_modules and prints the folder of both.
# Any npm does for that (Debian 12's is enough); afterwards only the pinned pair runs. Does
# nothing when the lock file has not changed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
bin=$here/node_modules/.bin
stamp=$here/node_modules/.holt-lock
exec 9>"$here/.install.lock"
flock -w 600 9 || { echo "tools/node: another installation holds the lock" >&2; exit 75; }
want=$(sha256sum "$here/package-lock.json" | cut -d' ' -f1)
if [ "$(cat "$stamp" 2>/dev/null)" != "$want" ] || ! "$bin/node" --version >/dev/null 2>&1; then
  if ! npm=$(command -v npm); then
    echo "tools/node: npm is missing; on Debian: apt-get install nodejs npm" >&2
    exit 69
  fi
  if [ ! -w "${HOME:-/nonexistent}" ]; then
    export npm_config_cache=$here/../../build/npm-cache
  fi
  (cd "$here" && "$npm" ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2)
  # Debian's npm 9 makes no link for a program that is called node.
  (cd "$bin" && { [ -e node ] || ln -s ../node-linux-*/bin/node node; })
  "$bin/node" --version >/dev/null
  echo "$want" >"$stamp"
fi
echo "$bin"
