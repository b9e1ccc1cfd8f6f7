local kumo = require 'kumo'

local map = kumo.aaa.load_acl_map { key_data = [=[
[[acl."http_listener/*/metrics"]]
allow = "yes"
privileges = ["GET"]
identity.group = "admins"
]=] }
