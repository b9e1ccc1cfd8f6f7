local kumo = require 'kumo'
local proxy = require 'proxy'

kumo.on('http_server_validate_auth_basic', function() return true end)
