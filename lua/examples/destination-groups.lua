-- Destinations that belong together: each mailbox provider as one, in figures, the
-- access log and the list of sessions, and for the hook. An MTA mostly asks for
-- addresses, so the networks of a provider matter more than its names.
--
-- proxy_group_dials_total{source="192.0.2.10",group="gmail",result="timeout"} going up
-- while other sources go on as before says which address Gmail has begun to dislike.

local kumo = require 'kumo'
local proxy = require 'proxy'

kumo.on('proxy_server_request', function(request)
  -- An address that is warmed up sends to the two large ones alone.
  if request.command == 'connect' and request.source == '192.0.2.15' and not request.group then
    return { deny = 'still warming up' }
  end
end)

kumo.on('proxy_init', function()
  proxy.set_destination_groups {
    gmail = { '142.250.0.0/15', '172.217.0.0/16', '2607:f8b0::/32', '*.google.com', '*.googlemail.com' },
    microsoft = { '40.92.0.0/14', '52.100.0.0/14', '104.47.0.0/17', '*.outlook.com' },
  }
  proxy.configure_access_log { path = '/var/log/troupe/access.log' }
  proxy.start_proxy_listener {
    listen = '0.0.0.0:1080',
    allow_clients = { '10.0.0.0/8' },
    allow_sources = { '192.0.2.0/28' },
  }
  proxy.start_http_listener { listen = '127.0.0.1:8000' }
end)
