// Package dialect reads Lua 5.4.
package dialect
