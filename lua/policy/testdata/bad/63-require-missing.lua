package.path = './nowhere/?.lua'
local racks = require 'racks'
