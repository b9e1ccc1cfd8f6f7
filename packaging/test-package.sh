#!/usr/bin/env bash
# Installs the .deb of this machine's architecture in a fresh Debian that systemd-nspawn
# boots, in a network of its own; has it serve, carry mail, reload, rotate and drain as
# packaging/test-inside.sh says; and purges it. Wants root, debootstrap and
# systemd-container; about three minutes, most of them for the first root.
#
#   packaging/test-package.sh [FILE.deb]
#
# $ROOT is where the fresh system is kept between runs.
set -euo pipefail
cd "$(dirname "$0")/.."

root=${ROOT:-/var/tmp/troupe-package-test}
deb=${1:-$(find dist -name "troupe_*_$(dpkg --print-architecture).deb" | sort | tail -1)}
[ -n "$deb" ] || { echo "no package in dist/: run packaging/build.sh packages" >&2; exit 1; }

if [ ! -e "$root/etc/debian_version" ]; then
  debootstrap --variant=minbase \
    --include=curl,python3-aiosmtpd,iproute2,ca-certificates,logrotate,systemd,systemd-sysv,procps,dbus bookworm "$root"
fi
run=$(mktemp -d)
trap 'rm -rf "$run"' EXIT
cp -a "$root" "$run/root"
cp "$deb" "$run/root/root/troupe.deb"
cp packaging/test-inside.sh "$run/root/root/"
awk '/^```sh/ { on = 1; next } /^```/ { on = 0 } on' docs/quickstart.md >"$run/root/root/quickstart.sh"
cat >"$run/root/etc/systemd/system/test.service" <<'UNIT'
[Unit]
After=multi-user.target
[Service]
Type=oneshot
WorkingDirectory=/root
Environment=HOME=/root
ExecStart=/bin/bash -c '/root/test-inside.sh >/root/said 2>&1; echo $? >/root/code; systemctl poweroff --force'
UNIT
mkdir -p "$run/root/etc/systemd/system/multi-user.target.wants"
ln -s ../test.service "$run/root/etc/systemd/system/multi-user.target.wants/test.service"
timeout 300 systemd-nspawn --quiet --directory "$run/root" --private-network --register=no --keep-unit --boot >"$run/boot" 2>&1 ||
  { tail -20 "$run/boot"; exit 1; }
cat "$run/root/root/said"
exit "$(cat "$run/root/root/code")"
