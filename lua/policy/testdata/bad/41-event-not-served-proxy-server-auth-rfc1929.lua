local kumo = require 'kumo'
local proxy = require 'proxy'

kumo.on('proxy_server_auth_rfc1929', function() return true end)
