-- A limit is a whole number; a misspelt one would limit nothing.
local kumo = require 'kumo'
local proxy = require 'proxy'

kumo.on('proxy_init', function()
  proxy.start_proxy_listener {
    listen = '127.0.0.1:1080',
    limits = {
      connections = -1,
      connections_per_clients = 10,
      connections_per_user = 1.5,
    },
    bandwidth = { per_session = 1000 },
    auth_failures = { per_client = 5, ban = '1 hour' },
  }
end)
