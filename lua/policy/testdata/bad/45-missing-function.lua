local kumo = require 'kumo'
local proxy = require 'proxy'

kumo.dns.lookup_mx('example.com')
