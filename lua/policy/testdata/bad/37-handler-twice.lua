local kumo = require 'kumo'
local proxy = require 'proxy'

kumo.on('proxy_init', function() end)

kumo.on('proxy_init', function() end)
