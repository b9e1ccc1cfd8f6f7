error("raised in module")
