-- Users from an SQLite database, which another program may write to meanwhile.
--
--   CREATE TABLE users (
--     name TEXT PRIMARY KEY,
--     salt TEXT NOT NULL,       -- openssl rand -hex 16
--     sha256 TEXT NOT NULL,     -- of salt and password, see auth-file.lua
--     active INTEGER NOT NULL DEFAULT 1
--   );
--   CREATE TABLE memberships (name TEXT NOT NULL, grp TEXT NOT NULL);
--
-- The daemon's user has to be able to write the file and its directory: that is
-- where SQLite keeps its locks and journals.

local kumo = require 'kumo'
local proxy = require 'proxy'
local sqlite = require 'sqlite'

local DATABASE = '/var/lib/troupe/users.db'

kumo.on('proxy_server_auth_rfc1929', function(user, password, meta)
  -- All states share the connections of a file, so this is cheap.
  local db = sqlite.open(DATABASE)
  -- Values are passed beside the statement and never glued into it: a user name
  -- is whatever a stranger has sent.
  local rows = db:execute('SELECT salt, sha256 FROM users WHERE name = ? AND active = 1', user)
  local entry = rows[1] or { salt = '', sha256 = '' } -- as long for a name that is not there
  local matches = kumo.digest.sha256(entry.salt .. password).hex == entry.sha256
  if not (rows[1] and matches) then
    kumo.log_warn('login refused for', user, 'from', meta.peer_address)
    return false
  end
  return {
    identities = { { identity = user, context = 'ProxyAuthRfc1929' } },
    groups = db:execute('SELECT grp FROM memberships WHERE name = ? ORDER BY grp', user),
  }
end)

kumo.on('proxy_init', function()
  proxy.start_proxy_listener {
    listen = '0.0.0.0:1080',
    allow_clients = { '127.0.0.1', '10.0.0.0/8' },
    allow_destinations = { '*:25' },
    require_auth = true,
    -- A node that has just logged in need not be looked up for each message; when
    -- the database is locked or gone, it goes on for a while.
    auth_cache = { ttl = '10s', stale_if_error = '15m' },
  }
  proxy.start_http_listener { listen = '127.0.0.1:8000' }
end)
