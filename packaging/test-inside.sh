#!/usr/bin/env bash
# The part of packaging/test-package.sh that runs in the fresh system: from the
# installation to the purge, with the commands of docs/quickstart.md in between.
set -euo pipefail

fail() { echo "FAILED: $*"; journalctl --unit troupe --no-pager --quiet | tail -40; exit 1; }
ok() { echo "ok: $*"; }
until_true() { # WHAT COMMAND...: 30 s
  local what=$1 i; shift
  for i in $(seq 300); do if "$@" >/dev/null 2>&1; then ok "$what"; return; fi; sleep 0.1; done
  fail "$what ($i tries)"
}
delivered() { [ "$(grep -c '^Subject: first mail$' /root/inbox)" -ge "$1" ]; }

ip link set lo up
sudo() { "$@"; }      # whoever runs this is root
apt-get() { :; }      # there is no network here; debootstrap has installed them
export -f sudo apt-get

# The receiver of the quickstart, started as a service of its own.
systemd-run --quiet --unit receiver --property StandardOutput=file:/root/inbox --setenv PYTHONUNBUFFERED=1 \
  aiosmtpd --nosetuid --class aiosmtpd.handlers.Debugging stdout --listen 127.0.0.1:2525

dpkg -i /root/troupe.deb >/dev/null
until_true "installed and serving" troupe status
systemctl is-active --quiet troupe || fail "the service is not active"
pid=$(systemctl show --property MainPID --value troupe)
[ "$(ps -o user= -p "$pid")" = troupe ] || fail "it runs as $(ps -o user= -p "$pid")"
grep -q '^CapEff:.0000000000000000$' "/proc/$pid/status" || fail "it has capabilities"
grep -q '^NoNewPrivs:.1$' "/proc/$pid/status" || fail "it may gain privileges"
ok "it runs as troupe, without a capability"
[ "$(stat -c '%U:%G %a' /etc/troupe/policy.lua)" = "root:troupe 640" ] || fail "the policy is $(stat -c '%U:%G %a' /etc/troupe/policy.lua)"
[ "$(stat -c '%U:%G %a' /run/troupe/admin.sock)" = "troupe:troupe 660" ] || fail "the socket is $(stat -c '%U:%G %a' /run/troupe/admin.sock)"
man -w troupe >/dev/null 2>&1 || [ -e /usr/share/man/man1/troupe.1.gz ] || fail "there is no manual page"

useradd --groups troupe mailadmin
su mailadmin -c 'troupe tree' >/dev/null || fail "somebody in the group troupe may not look"
useradd stranger
if su stranger -c 'troupe tree' 2>/root/refused; then fail "a stranger may look"; fi
grep -q 'group of the socket' /root/refused || fail "a stranger is not told why: $(cat /root/refused)"
ok "root and the group troupe manage it, nobody else"

# The quickstart, as it stands there.
bash -euo pipefail /root/quickstart.sh || fail "the quickstart ended with $?"
until_true "the quickstart's mail has arrived" delivered 2
grep -q '^X-Peer: .*192\.0\.2\.10' /root/inbox || grep -q "192.0.2.10" /root/inbox || fail "no mail came from 192.0.2.10"
ok "from the address that was asked for"

systemctl reload troupe || fail "reload"
echo 'this is no Lua' >>/etc/troupe/policy.lua
if systemctl reload troupe 2>/dev/null; then fail "a broken policy was taken"; fi
until_true "a broken policy is refused, and the one before goes on" troupe status
systemctl restart troupe || fail "a start with a broken policy"
until_true "a start with a broken policy serves the one that was kept" troupe status
[ "$(curl -s http://127.0.0.1:8000/metrics | grep -c '^policy_fallback 1')" = 1 ] || fail "it does not say that it is a kept one"
sed -i "/this is no Lua/d; s|^end)|proxy.configure_access_log { path = '/var/log/troupe/access.log' } end)|" /etc/troupe/policy.lua
systemctl reload troupe || fail "a mended policy"
python3 first-mail.py 192.0.2.10
until_true "an access log" test -s /var/log/troupe/access.log
logrotate --force /etc/logrotate.d/troupe || fail "logrotate"
until_true "a rotated log" test -e /var/log/troupe/access.log.1
python3 first-mail.py 192.0.2.10
until_true "a new log after the rotation" test -s /var/log/troupe/access.log

# Each drop-in, with what it names.
mkdir -p /etc/systemd/system/troupe.service.d /etc/letsencrypt/live/proxy.example.com /home/mail/policy /srv/troupe
echo secret >/etc/letsencrypt/live/proxy.example.com/privkey.pem
for example in /usr/share/doc/troupe/examples/*.conf; do
  cp "$example" /etc/systemd/system/troupe.service.d/
  systemctl daemon-reload
  systemctl restart troupe || fail "a start with $example"
  troupe status >/dev/null && systemctl reload troupe || fail "it does not serve with $example"
  rm /etc/systemd/system/troupe.service.d/*
done
rmdir /etc/systemd/system/troupe.service.d /srv/troupe /home/mail/policy
systemctl daemon-reload
systemctl restart troupe
ok "it serves with each of the drop-ins"

# An upgrade under 200 sessions: each speaks all the while, and must come to its end.
cat >live.py <<'PYTHON'
import sys, threading
sys.argv = ['first-mail.py', '192.0.2.10']
exec(open('first-mail.py').read().split('\nwith SMTP')[0])
stop, lost, ready = threading.Event(), [], threading.Barrier(201)
def session():
    try:
        with SMTP('127.0.0.1', 2525) as smtp:
            ready.wait(60)
            while not stop.wait(0.5):
                assert smtp.noop()[0] == 250
    except Exception as e:
        lost.append(e)
sessions = [threading.Thread(target=session) for _ in range(200)]
for s in sessions: s.start()
ready.wait(60)
open('live', 'w').close()
sys.stdin.read()  # until the upgrade is over
stop.set()
for s in sessions: s.join()
sys.exit(f'{len(lost)} lost, such as {lost[0]!r}' if lost else 0)
PYTHON
mkfifo over
python3 live.py <over & live=$!
exec 3>over
until_true "200 sessions" test -e live
before=$(systemctl show --property MainPID --value troupe)
dpkg -i /root/troupe.deb
after=$(systemctl show --property MainPID --value troupe)
{ [ "$after" != 0 ] && [ "$after" != "$before" ]; } || fail "the main process was $before and is $after"
troupe status >/dev/null || fail "it does not serve after an upgrade"
python3 first-mail.py 192.0.2.11 || fail "no mail after an upgrade"
exec 3>&-
wait "$live" || fail "sessions were lost in an upgrade"
ok "an upgrade hands over, and costs none of 200 sessions"

dpkg -r troupe >/dev/null
if pgrep -x troupe >/dev/null; then fail "it still runs"; fi
[ -e /etc/troupe/policy.lua ] || fail "the removal took the policy"
ok "a removal leaves nothing running"
dpkg -P troupe >/dev/null
left=$(find / -xdev \( -path /proc -o -path /sys -o -path /root -o -path /var/log/journal -o -path /run/log \) -prune -o -name '*troupe*' -print |
  grep -v -e '^/var/log/dpkg' -e '/run/systemd' -e '^/var/lib/logrotate' || true)
[ -z "$left" ] || fail "left: $left"
if getent passwd troupe >/dev/null || getent group troupe >/dev/null; then fail "the user is left"; fi
ok "a purge leaves nothing"
