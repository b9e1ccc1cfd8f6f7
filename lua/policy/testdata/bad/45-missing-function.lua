local kumo = require 'kumo'
local proxy = require 'proxy'

kumo.ldap.search('example.com')
