local proxy = require 'proxy'

proxy.configure_access_log { path = '-' }
