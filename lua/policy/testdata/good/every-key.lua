local kumo, proxy = require 'kumo', require 'proxy'
kumo.on('proxy_init', function()
  proxy.start_proxy_listener {
    listen = '[::]:1080',
    hostname = 'proxy.example.com',
    timeout = '1m 30s',
    connect_timeout = 0.25,
    idle_timeout = 0,
    half_close_timeout = '30 days',
    max_session = '1h',
    user_timeout = 0.0015,
    use_splice = false, banner = false,
    use_tls = true,
    tls_certificate = '/etc/troupe/cert.pem',
    tls_private_key = { key_data = { 0, 65, 255 } },
    tls_client_ca = { key_data = 'not looked at' },
    require_auth = true,
    tcp_keepalive = { enabled = false, time = 1, interval = '32767s', retries = 127 },
    destination_series = 0,
    destination_idle = '1 day',
  }
  proxy.start_http_listener {
    listen = 'localhost:0',
    hostname = 'proxy.example.com',
    use_tls = false,
    request_body_limit = 1024,
    tls_certificate = 'served/only/with/use_tls.pem',
    tls_private_key = 'served/only/with/use_tls.pem',
    trusted_hosts = { 'any', '10.0.0.0/8', '::ffff:192.0.2.1', '::ffff:10.0.0.0/104', '2001:db8::/32' },
  }
end)
