local kumo = require 'kumo'
local password = 'hunter2' 'hunter3'
