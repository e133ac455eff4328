#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds the page: web/build.sh [--install] [--test] [--test-browser] [--force] [DIR]
#   DIR         where it goes (default build/web), replaced whole at the end
#   --install   only makes Node and the packages ready
#   --test      runs the page's unit tests instead of building
#   --test-browser   runs the built page in Chromium against the fake daemon
#   --force     builds although nothing changed
# Needs npm only for the first installation; takes nothing from the network after that.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
out=$here/../build/web verb=build force=
while [ $# -gt 0 ]; do
  case $1 in
    --install) verb=install; shift ;;
    --test) verb=test; shift ;;
    --test-browser) verb=test_browser; shift ;;
    --force) force=1; shift ;;
    [!-]*) out=$1; shift ;;
    *) echo "web/build.sh: unknown option $1" >&2; exit 64 ;;
  esac
done
mkdir -p "$(dirname "$out")"
out=$(cd "$(dirname "$out")" && pwd)/$(basename "$out")

bin=$("$here/../tools/node/install.sh")
export PATH=$bin:$PATH
cd "$here"
exec 9>"$here/.build.lock"
flock -w 600 9 || { echo "web: another build holds the lock" >&2; exit 75; }

want=$(sha256sum package-lock.json | cut -d' ' -f1)
if [ "$(cat node_modules/.holt-lock 2>/dev/null)" != "$want" ]; then
  if [ ! -w "${HOME:-/nonexistent}" ]; then
    export npm_config_cache=$here/../build/npm-cache
  fi
  npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2
  echo "$want" >node_modules/.holt-lock
fi
case $verb in
  install) exit 0 ;;
  test) npm run --silent check && exec npm test --silent ;;
  test_browser) exec npm run --silent test:browser ;;
esac

source_hash=$(find index.html vite.config.ts tsconfig.json precompress.ts package-lock.json core app public -type f -print0 |
  LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | cut -d' ' -f1)
if [ -z "$force" ] && [ -f "$out/index.html" ] && [ "$(cat "$out.stamp" 2>/dev/null)" = "$source_hash" ]; then
  echo "web: up to date in $out"
  exit 0
fi
npm run --silent check
fresh=$out.new
HOLT_WEB_OUT=$fresh npm run --silent build -- --logLevel warn
node precompress.ts "$fresh"
rm -rf "$out"
mv "$fresh" "$out"
echo "$source_hash" >"$out.stamp"
