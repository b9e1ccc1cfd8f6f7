-- A sending address for each user: tenants share the proxy, not their reputation.
--
-- Users and passwords are as in auth-file.lua, and the file says too from where
-- each may send:
--
--   [tenant-a]
--   salt = "…"
--   sha256 = "…"
--   sources = ["192.0.2.10", "192.0.2.11"]
--
-- Who asks for one of these in a BIND gets it; who asks for another is refused, and
-- an MTA stops using that address, which is right. Who asks for none gets the
-- first.

local kumo = require 'kumo'
local proxy = require 'proxy'

local USERS = '/etc/troupe/users.toml'

local users = kumo.memoize(function()
  return kumo.serde.toml_load(USERS)
end, { name = 'users', ttl = '10 seconds', capacity = 1 })

kumo.on('proxy_server_auth_rfc1929', function(user, password)
  local known = users()[user]
  local salt, sha256 = known and known.salt or '', known and known.sha256 or ''
  local matches = kumo.digest.sha256(salt .. password).hex == sha256
  return known ~= nil and matches
end)

kumo.on('proxy_server_request', function(request)
  local known = users()[request.user]
  if not known then
    return { deny = 'the user was taken out of the file' }
  end
  if not request.source then
    if request.command == 'connect' then
      return { source = known.sources[1] }
    end
    return { deny = 'BIND without an address' }
  end
  for i = 1, #known.sources do
    if known.sources[i] == request.source then
      return true
    end
  end
  return { deny = request.source .. ' is not a source of ' .. request.user }
end)

kumo.on('proxy_init', function()
  proxy.start_proxy_listener {
    listen = '0.0.0.0:1080',
    allow_clients = { '127.0.0.1', '10.0.0.0/8' },
    -- What the hook returns is held to these as well: a mistake in the file sends
    -- no mail from an address that is not meant for it.
    allow_sources = { '192.0.2.0/24' },
    allow_destinations = { '*:25' },
    require_auth = true,
    -- The hook gives a source to those who ask for none.
    require_source = false,
  }
  proxy.start_http_listener { listen = '127.0.0.1:8000' }
end)
