local kumo = require 'kumo'
local proxy = require 'proxy'

kumo.on('proxy_init', function() proxy.configure_access_log('/var/log/troupe/access.log') end)
