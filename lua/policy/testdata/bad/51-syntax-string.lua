local kumo = require 'kumo'
local proxy = require 'proxy'

local x = 'never closed
