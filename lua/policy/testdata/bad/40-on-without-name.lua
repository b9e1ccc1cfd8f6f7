local kumo = require 'kumo'
local proxy = require 'proxy'

kumo.on(function() end)
