local proxy = require 'proxy'
require('kumo').on('proxy_init', function()
  local ok, err = pcall(proxy.start_proxy_listener, {
    listen = '127.0.0.1:1080',
    timeout = 'soon',
  })
  error(err, 0)
end)
