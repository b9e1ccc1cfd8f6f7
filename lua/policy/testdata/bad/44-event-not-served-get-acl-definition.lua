local kumo = require 'kumo'
local proxy = require 'proxy'

kumo.on('get_acl_definition', function() return true end)
