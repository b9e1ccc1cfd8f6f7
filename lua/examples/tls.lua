-- TLS between the MTA nodes and the proxy, with certificates on both sides: what
-- they say stays between them, and only nodes with a certificate of your own
-- authority are served. kumod's SOCKS5 client speaks no TLS; put stunnel before it.
--
-- The files are PEM. They are read at the start and at each reload (SIGHUP, as from
-- a renewal hook); should one be broken then, the ones before stay in use.

local kumo = require 'kumo'
local proxy = require 'proxy'

local TLS = '/etc/troupe/tls/'

kumo.on('proxy_init', function()
  proxy.start_proxy_listener {
    listen = '0.0.0.0:1443',
    allow_clients = { '127.0.0.1', '10.0.0.0/8' },
    allow_destinations = { '*:25' },
    use_tls = true,
    tls_certificate = TLS .. 'proxy.pem', -- the chain, its own certificate first
    tls_private_key = TLS .. 'proxy.key',
    tls_client_ca = TLS .. 'nodes-ca.pem',
  }
  proxy.start_http_listener {
    listen = '127.0.0.1:8000',
    use_tls = true,
    tls_certificate = TLS .. 'proxy.pem',
    tls_private_key = TLS .. 'proxy.key',
  }
end)
