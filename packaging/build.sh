#!/usr/bin/env bash
# Builds what a release consists of, in dist/: for each of $ARCHES (amd64 arm64) a
# binary in a .tar.gz, a .deb, an .rpm and a bill of materials, and SHA256SUMS of all.
#
#   packaging/build.sh            all of it
#   packaging/build.sh packages   the .deb and .rpm alone
#
# $VERSION is what it calls itself; without it, the tag of the commit or else the
# commit. The same source gives the same bytes, whoever builds it, wherever
# and whenever; packaging/test-reproducible.sh shows it.
set -euo pipefail
cd "$(dirname "$0")/.."

what=${1:-all}
out=${OUT:-dist}
arches=${ARCHES:-amd64 arm64}
nfpm=github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.43.4

commit=$(git rev-parse HEAD)
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
date=$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y-%m-%d)
if [ -z "${VERSION:-}" ]; then
  VERSION=$(git describe --tags --exact-match --match 'v[0-9]*' 2>/dev/null | sed 's/^v//') ||
    VERSION="0~git${date//-/}.${commit:0:12}"
fi
[ -z "$(git status --porcelain --untracked-files=no)" ] || echo "note: the tree differs from $commit" >&2
export SOURCE_DATE_EPOCH VERSION CGO_ENABLED=0 TZ=UTC LC_ALL=C

# For the machine that builds.
host() { env -u GOOS -u GOARCH go run "$@"; }

# The binary for $1 and all that is packed with it.
stage() {
  STAGE=$out/stage/$1
  rm -rf "$STAGE"
  mkdir -p "$STAGE"
  GOOS=linux GOARCH=$1 go build -trimpath -buildvcs=false -o "$STAGE/troupe" \
    -ldflags "-s -w -X main.version=$VERSION -X main.commit=$commit -X main.date=$date" ./cmd/troupe
  host -tags manual -ldflags "-X main.version=$VERSION" ./cmd/troupe "$STAGE"
  gzip -9n "$STAGE"/man1/*.1
  host ./cmd/troupe-release licences "$STAGE/troupe" | gzip -9n >"$STAGE/third-party-licences.gz"
  gzip -9nc CHANGELOG.md >"$STAGE/changelog.gz"
  printf 'troupe (%s) unstable; urgency=medium\n\n  * See changelog.gz.\n\n -- The Troupe authors <troupe@users.noreply.github.com>  %s\n' \
    "$VERSION-1" "$(date -u -R -d "@$SOURCE_DATE_EPOCH")" | gzip -9n >"$STAGE/changelog.Debian.gz"
  # Packages take times from the files.
  find "$STAGE" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
}

packages() {
  local kind
  for kind in deb rpm; do
    ARCH=$1 STAGE=$STAGE host "$nfpm" package -f packaging/nfpm.yaml -p "$kind" -t "$out/"
  done
}

archive() {
  local name=troupe_${VERSION}_linux_$1
  tar --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX \
    --transform "s,^\($STAGE\|packaging\|\.\)/,,;s,^,$name/," \
    -cf - "$STAGE/troupe" "$STAGE/man1" "$STAGE/completions" "$STAGE/third-party-licences.gz" \
    packaging/policy.lua packaging/troupe.service ./LICENSE ./README.md ./CHANGELOG.md | gzip -9n >"$out/$name.tar.gz"
  host ./cmd/troupe-release sbom "$STAGE/troupe" >"$out/$name.cdx.json"
}

mkdir -p "$out"
rm -f "$out"/*.deb "$out"/*.rpm "$out"/*.tar.gz "$out"/*.cdx.json "$out"/SHA256SUMS
for arch in $arches; do
  stage "$arch"
  packages "$arch"
  if [ "$what" = all ]; then archive "$arch"; fi
done
cd "$out"
find . -maxdepth 1 -type f ! -name SHA256SUMS -printf '%P\n' | sort | xargs sha256sum >SHA256SUMS
cat SHA256SUMS
