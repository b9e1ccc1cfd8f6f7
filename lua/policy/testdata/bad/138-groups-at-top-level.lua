require('proxy').set_destination_groups { one = { '192.0.2.0/24' } }
