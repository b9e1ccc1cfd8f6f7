local kumo = require 'kumo'
local proxy = require 'proxy'

proxy.start_proxy_listener {
  listen = '127.0.0.1:1080',
}
