package main

// version is set by the release build: -ldflags "-X main.version=1.2.3".
var version = "dev"
