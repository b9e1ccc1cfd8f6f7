package.path = 'testdata/modules/?.lua'
local kumo = require 'kumo'
local proxy = require 'proxy'

local racks = require 'racks'

kumo.on('proxy_init', function()
  racks.start()
end)
