-- Top-level code alone starts nothing.
local kumo = require 'kumo'
kumo.on('some_other_event', function() error('must not run') end)
