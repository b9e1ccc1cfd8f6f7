package source

// usualPorts is how many ports are for connections that do not choose one, where the
// system does not say: 49152 to 65535, RFC 6335 section 6.
const usualPorts = 16384
