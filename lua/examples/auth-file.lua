-- Users from a file. Each MTA node has a name and a password of its own; who has
-- none is not served, wherever it is.
--
-- The file is TOML, for the daemon's user alone to read. It holds no password but
-- SHA-256 of salt and password:
--
--   [mta1]
--   salt = "5f1c6b0ad04f4be5a2a9a1c8c1e7f7f3"
--   sha256 = "…"
--   groups = ["bulk"]
--
--   salt=$(openssl rand -hex 16) password=$(openssl rand -hex 24)
--   printf '%s%s' "$salt" "$password" | sha256sum
--
-- Make passwords like that: SHA-256 is quick, so whoever gets hold of the file can
-- guess a password that a person has thought of. The password itself travels in
-- the clear: keep to a network of your own, or add TLS as in tls.lua.

local kumo = require 'kumo'
local proxy = require 'proxy'

local USERS = '/etc/troupe/users.toml'

-- All Lua states share what was read, and read it again after ten seconds: a user
-- who is taken out of the file is out then, without a reload.
local users = kumo.memoize(function()
  return kumo.serde.toml_load(USERS)
end, { name = 'users', ttl = '10 seconds', capacity = 1 })

-- Stands for a user who is not there, so that the answer takes as long and nobody
-- learns which names exist.
local NOBODY = { salt = '', sha256 = '' }

kumo.on('proxy_server_auth_rfc1929', function(user, password, meta)
  local known = users()[user]
  local entry = known or NOBODY
  -- Digests are compared and not passwords: how long that takes tells nothing.
  local matches = kumo.digest.sha256(entry.salt .. password).hex == entry.sha256
  if not (known and matches) then
    kumo.log_warn('login refused for', user, 'from', meta.peer_address)
    return false
  end
  return {
    identities = { { identity = user, context = 'ProxyAuthRfc1929' } },
    groups = entry.groups,
  }
end)

kumo.on('proxy_init', function()
  proxy.start_proxy_listener {
    listen = '0.0.0.0:1080',
    allow_clients = { '127.0.0.1', '10.0.0.0/8' },
    allow_destinations = { '*:25' },
    require_auth = true,
  }
  proxy.start_http_listener { listen = '127.0.0.1:8000' }
end)
