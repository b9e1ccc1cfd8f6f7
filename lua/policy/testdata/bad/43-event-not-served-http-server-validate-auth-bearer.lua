local kumo = require 'kumo'
local proxy = require 'proxy'

kumo.on('http_server_validate_auth_bearer', function() return true end)
