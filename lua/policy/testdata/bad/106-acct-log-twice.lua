local kumo = require 'kumo'

kumo.on('proxy_init', function()
  kumo.aaa.configure_acct_log { log_dir = '/tmp/never' }
  kumo.aaa.configure_acct_log { log_dir = '/tmp/never' }
end)
