local kumo = require 'kumo'

kumo.on('proxy_init', function()
  kumo.aaa.configure_acct_log {
    logdir = '/tmp/never',
    max_file_size = 0,
    min_free_space = 'plenty',
    max_segment_duration = '5',
    log_authn_ok = 'yes',
  }
end)
