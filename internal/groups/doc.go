// Package groups tells to which group of destinations an upstream belongs: Gmail,
// the networks of Microsoft, whatever an operator wants to see as one.
//
// A group is a list of networks and names. A name that a client asks for is looked
// up among the names, an address that is dialled among the networks. It knows no
// Lua and no metrics: entries come from lua/policy, answers go to the connections
// and what is written about them.
package groups
