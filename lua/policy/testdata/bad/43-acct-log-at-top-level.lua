local kumo = require 'kumo'

kumo.aaa.configure_acct_log { log_dir = '/tmp/never' }
