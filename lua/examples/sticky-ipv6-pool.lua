-- A /64 of IPv6 sources: every client sends from an address of its own in it,
-- always the same one, after a restart and on another proxy host as well.
--
-- The host needs the whole network as its own, which Linux calls AnyIP:
--
--   ip -6 route add local 2001:db8:1:2::/64 dev lo
--
-- and the router before it has to send that network here. No address of it is
-- configured, which Linux wants to be told of for each socket: freebind. Give the addresses
-- reverse names before you send mail: receivers ask for them.

local kumo = require 'kumo'
local proxy = require 'proxy'

local POOL = '2001:db8:1:2::/64'

kumo.on('proxy_init', function()
  proxy.start_proxy_listener {
    listen = '[::1]:1080',
    allow_clients = { '::1', '10.0.0.0/8', 'fd00::/8' },
    allow_destinations = { '*:25' },

    -- Derived from the address of the client, so there is nothing to keep.
    source = { { network = POOL, freebind = true } },
    source_choice = 'sticky',
    -- A client that names a source has to keep to the pool too.
    allow_sources = { POOL },
  }
  proxy.start_http_listener { listen = '127.0.0.1:8000' }
end)
