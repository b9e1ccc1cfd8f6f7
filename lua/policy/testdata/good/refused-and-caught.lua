-- What was refused is not there, although the policy goes on.
local proxy = require 'proxy'
require('kumo').on('proxy_init', function()
  local ok, err = pcall(proxy.start_proxy_listener, { listen = '127.0.0.1:1080', timeout = 'soon' })
  assert(not ok and type(err) == 'string' and err:find('timeout: expected a duration', 1, true), err)
  proxy.start_proxy_listener { listen = '127.0.0.1:1080', hostname = 'h' }
end)
