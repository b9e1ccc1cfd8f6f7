// Package logging gives log/slog targets and a filter that can be changed
// while the process runs.
//
// Every line belongs to a target, a name such as "proxy_server::mod_proxy" or
// "lua", and one Filter decides for the whole process which levels of which
// targets are written. The filter's grammar, the targets and the shape of the
// lines are those of KumoMTA's proxy-server, so that its filters, its log
// collectors and its tests work here.
//
// Callers use *slog.Logger and nothing else: New is called once, by whoever
// wires the process, and the loggers it hands out are passed down. What a line
// says comes from them; it goes to one io.Writer, a record a Write. Directory is
// such a writer, of hourly files.
//
// The package does not set slog's default logger, does not read the environment
// by itself, starts no goroutine, drops no record to save time, and redacts
// nothing: who logs a secret has logged it.
package logging
