package.path = 'testdata/modules/?.lua'
local broken = require 'broken'
