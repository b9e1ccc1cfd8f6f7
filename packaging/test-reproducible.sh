#!/usr/bin/env bash
# Shows that the same commit gives the same bytes: builds the release here and in a
# clone elsewhere, with another umask, time zone and language, and compares.
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
here=$work/here
there="$work/another, longer place/troupe"
git clone -q . "$here"
git clone -q . "$there"
(cd "$here" && packaging/build.sh >/dev/null)
(cd "$there" && umask 077 && TZ=Asia/Tokyo LC_ALL=tr_TR.UTF-8 packaging/build.sh >/dev/null)
diff "$here/dist/SHA256SUMS" "$there/dist/SHA256SUMS"
echo "the same twice:"
cat "$here/dist/SHA256SUMS"
