-- A policy that runs unchanged on KumoMTA's proxy-server and on Troupe. It keeps
-- to what both know, and uses the kumo.* names of the functions throughout.
--
-- The MTA's side of it, in the policy of kumod, where 192.0.2.10 is an address
-- of this host and 10.0.0.5 is where it listens:
--
--   kumo.make_egress_source {
--     name = 'ip-1',
--     socks5_proxy_server = '10.0.0.5:5000',
--     socks5_proxy_source_address = '192.0.2.10',
--   }

local kumo = require 'kumo'

-- Plain Lua works as usual: here one listener for each rack of MTAs.
local RACKS = { 5000, 5001 }

-- What all listeners have in common, with the differences laid over it.
local function with_defaults(params)
  local all = {
    timeout = 60, -- a number is seconds
    use_splice = true, -- the kernel moves the bytes, where it can
    tcp_keepalive = {
      enabled = true,
      time = '2 minutes',
      interval = 20,
      retries = 4,
    },
  }
  for key, value in pairs(params) do
    all[key] = value
  end
  return all
end

kumo.on('proxy_init', function()
  for rack, port in ipairs(RACKS) do
    kumo.start_proxy_listener(with_defaults {
      listen = '0.0.0.0:' .. port,
    })
    kumo.log_info('rack', rack, 'connects to port', port)
  end

  kumo.start_proxy_http_listener {
    listen = '0.0.0.0:8000',
    -- Loopback and the management network may read the metrics.
    trusted_hosts = { '127.0.0.1', '::1', '10.0.0.0/24' },
  }
end)
