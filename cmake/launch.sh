#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs a compiler under ccache; from CMakeLists.txt: launch.sh SOURCE_DIR CCACHE COMPILER ARGUMENT...
# A precompiled header has 100 to 250 MB, and ccache hashes it anew for each file that uses it: half
# a second of a core each, hit or miss. Its bytes also differ from one clone to the next. So what it
# is made of is hashed once, when it is made, into NAME.gch.sum, which ccache takes instead
# (CCACHE_PCH_EXTSUM).
set -eu
# The sloppiness lets ccache work beside precompiled headers; base folder and hash, for clones in
# other folders.
export CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
export CCACHE_BASEDIR="$1" CCACHE_NOHASHDIR=1 CCACHE_PCH_EXTSUM=1
ccache=$2
shift 2
out='' last=''
for word; do
  [ "$last" != -o ] || out=$word
  last=$word
done
case $out in
  *.gch) ;;
  *) exec "$ccache" "$@" ;;
esac

# The former one must be gone: the compiler would read it in place of the text.
rm -f "$out" "$out.sum"
"$ccache" "$@"
mv "$out" "$out.made"

# The same call, but for what it writes and where: all text and all macros, without the lines that
# tell paths.
left=$# skip=
while [ "$left" -gt 0 ]; do
  word=$1
  shift
  left=$((left - 1))
  case $skip$word in
    -o | -MF | -MT | -MQ) skip=1 ;;
    -c | -MD | -MMD | -fpch-preprocess) ;;
    1*) skip= ;;
    *) set -- "$@" "$word" ;;
  esac
done
"$@" -E -dD -P -o "$out.text"
sha256sum <"$out.text" >"$out.sum"
rm -f "$out.text"
mv "$out.made" "$out"
