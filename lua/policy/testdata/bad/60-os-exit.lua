local kumo = require 'kumo'
local proxy = require 'proxy'

os.exit(0)
