local proxy = require 'proxy'
require('kumo').on('proxy_init', function()
  proxy.set_destination_groups {
    gmail = { '142.250.0.1/15', 'gmail-smtp-in.l.google.com', '*.*.google.com', 25 },
    microsoft = 'outlook.com',
    empty = {},
    ['no name'] = { '192.0.2.1' },
    { '192.0.2.1' },
  }
end)
