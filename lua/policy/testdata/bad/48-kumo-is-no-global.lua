kumo.on('proxy_init', function() end)
