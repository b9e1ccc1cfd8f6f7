// Package access says who may do what: which access control list stands for a
// resource, which of its rules matches whoever asks, and how long an answer may be
// believed.
//
// The model is KumoMTA's, so that lists written for it mean the same here. A
// resource has parents; its own list is looked at first, then theirs; in a list
// the first rule decides whose criteria hold and whose privilege is the one asked
// for; where no rule does, access is denied.
//
// It runs no Lua and knows no HTTP: who is asking, and what a policy says of a
// resource, come from its callers; decisions go back to them. Nothing here ever
// keeps a password or token: what is remembered of one is a hash under a key that
// the process makes anew at each start.
package access
