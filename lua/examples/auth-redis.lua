-- Users from Redis, which several proxy hosts can share.
--
--   HSET troupe:user:mta1 salt "$salt" sha256 "$sha256" groups "bulk transactional"
--   DEL troupe:user:mta1
--
-- where sha256 is that of salt and password, see auth-file.lua. Give the proxy a
-- Redis user that may read these keys and no others:
--
--   ACL SETUSER troupe on >PASSWORD ~troupe:user:* +hmget

local kumo = require 'kumo'
local proxy = require 'proxy'
local redis = require 'redis'

local REDIS = { node = 'redis://127.0.0.1:6379/', response_timeout = 2, connect_timeout = 2 }

-- With a Redis user, the password is in a file that only the daemon can read:
-- REDIS.username = 'troupe'
-- REDIS.password = kumo.string.trim(kumo.secrets.load('/etc/troupe/redis.password'))

kumo.on('proxy_server_auth_rfc1929', function(user, password, meta)
  -- All states share the connections, so this is cheap.
  local found = redis.open(REDIS):query('HMGET', 'troupe:user:' .. user, 'salt', 'sha256', 'groups')
  local salt, sha256, groups = found[1], found[2], found[3]
  -- As long for a name that is not there as for one that is.
  local matches = kumo.digest.sha256((salt or '') .. password).hex == sha256
  if not (salt and matches) then
    kumo.log_warn('login refused for', user, 'from', meta.peer_address)
    return false
  end
  return {
    identities = { { identity = user, context = 'ProxyAuthRfc1929' } },
    groups = kumo.string.split_whitespace(groups or ''),
  }
end)

kumo.on('proxy_init', function()
  proxy.start_proxy_listener {
    listen = '0.0.0.0:1080',
    allow_clients = { '127.0.0.1', '10.0.0.0/8' },
    allow_destinations = { '*:25' },
    require_auth = true,
    -- Nodes that Redis has vouched for go on for an hour while it is down. One that
    -- it refuses is out at once.
    auth_cache = { ttl = '10s', stale_if_error = '1h' },
  }
  proxy.start_http_listener { listen = '127.0.0.1:8000' }
end)
