local proxy = require 'proxy'
local M = {}

function M.start()
  proxy.start_proxy_listener {
    listen = '127.0.0.1:1080',
    -- a duration in a string needs a unit
    timeout = '5',
  }
end

return M
