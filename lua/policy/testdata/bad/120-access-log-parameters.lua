local kumo = require 'kumo'
local proxy = require 'proxy'

kumo.on('proxy_init', function()
  proxy.configure_access_log {
    path = 'access.log',
    mode = 640,
    buffer_lines = 0,
    probes = 'yes',
    rotate = '1d',
  }
end)
