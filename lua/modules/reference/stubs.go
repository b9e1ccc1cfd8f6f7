package reference

import (
	"fmt"
	"slices"
	"strings"

	"github.com/troupe-proxy/troupe/lua/modules/spec"
)

// stubs are the files for the Lua language server, one for each module that
// require takes, and one of what they share. They are never run.
// https://luals.github.io/wiki/annotations/
func stubs(all []spec.Module) map[string][]byte {
	files := map[string][]byte{"lua/types/troupe.lua": []byte(sharedStub())}
	for _, root := range names(all) {
		if strings.Contains(root, ".") {
			continue
		}
		files["lua/types/"+root+".lua"] = []byte(moduleStub(root, all))
	}
	return files
}

// stub is a file that is being written.
type stub struct{ strings.Builder }

func (s *stub) line(format string, args ...any) {
	s.WriteString(strings.TrimRight(fmt.Sprintf(format, args...), " ") + "\n")
}

// doc writes text as the comment of what follows.
func (s *stub) doc(text string) {
	if text != "" {
		s.line("---%s", strings.ReplaceAll(text, "\n", "\n---"))
	}
}

func sharedStub() string {
	var s stub
	s.line("---@meta _")
	s.line("-- What the modules of a policy share. %s\n", generated)
	s.doc("Seconds as a number, or text with units such as '1m 30s'.")
	s.line("---@alias troupe.Duration number|string\n")
	s.doc("Where a secret is: a file name, or one of the tables.")
	s.line("---@alias troupe.KeySource string|troupe.InlineKey|troupe.VaultKey|troupe.EventKey\n")
	for _, c := range keyClasses() {
		s.class(c)
	}
	for _, c := range eventClasses() {
		s.class(c)
	}
	s.parameters(listenerClass, "What proxy.start_proxy_listener takes.", listenerParameters())
	s.parameters(forwardClass, "What proxy.start_forward_listener takes.", forwardParameters())
	s.parameters(httpClass, "What proxy.start_http_listener takes.", httpParameters())
	return strings.TrimRight(s.String(), "\n") + "\n"
}

// keyClasses are the tables that stand for a secret.
func keyClasses() []spec.Class {
	return []spec.Class{
		{Name: "troupe.InlineKey", Doc: "The secret itself.", Fields: []spec.Param{
			{Name: "key_data", Type: "string|integer[]", Doc: "text, or a list of bytes"},
		}},
		{Name: "troupe.VaultKey", Doc: "A secret in HashiCorp Vault.", Fields: []spec.Param{
			{Name: "vault_mount", Type: "string", Doc: "where its key-value engine, version 2, is mounted"},
			{Name: "vault_path", Type: "string", Doc: "the path of the secret"},
			{Name: "vault_key", Type: "string?", Doc: "the key in it; 'key'"},
			{Name: "vault_address", Type: "string?", Doc: "in place of $VAULT_ADDR"},
			{Name: "vault_token", Type: "string?", Doc: "in place of $VAULT_TOKEN"},
		}},
		{Name: "troupe.EventKey", Doc: "What the handler of an event returns.", Fields: []spec.Param{
			{Name: "event_name", Type: "string", Doc: "the event"},
			{Name: "event_args", Type: "any[]", Doc: "what its handler is given"},
		}},
	}
}

// class declares a class of tables.
func (s *stub) class(c spec.Class) {
	s.doc(c.Doc)
	s.line("---@class %s", c.Name)
	for _, f := range c.Fields {
		s.field(f.Name, f.Type, f.Doc)
	}
	s.line("")
}

// field declares a field. One that may be absent has its mark at the name.
func (s *stub) field(name, typ, doc string) {
	optional := ""
	if rest, ok := strings.CutSuffix(typ, "?"); ok {
		optional, typ = "?", rest
	} else if rest, ok := strings.CutSuffix(typ, "|nil"); ok {
		optional, typ = "?", rest
	}
	s.line("---@field %s%s %s %s", name, optional, typ, doc)
}

// parameters declares the class of a parameter table, and those of the tables in
// it.
func (s *stub) parameters(class, doc string, all []Parameter) {
	var inner []string
	outer := stub{}
	outer.doc(doc)
	outer.line("---@class %s", class)
	for _, p := range all {
		table, _, nested := strings.Cut(p.Key, ".")
		switch {
		case !nested:
			outer.field(p.Key, optional(p), p.Doc)
		case !slices.Contains(inner, table):
			inner = append(inner, table)
			outer.field(table, class+"."+table+"?", "")
		}
	}
	outer.line("")
	for _, table := range inner {
		s.line("---@class %s.%s", class, table)
		for _, p := range all {
			if key, ok := strings.CutPrefix(p.Key, table+"."); ok {
				s.field(key, optional(p), p.Doc)
			}
		}
		s.line("")
	}
	s.WriteString(outer.String())
}

func optional(p Parameter) string {
	if p.Default == "" {
		return p.Type
	}
	return p.Type + "?"
}

// moduleStub is the file of a module and of the tables in it.
func moduleStub(root string, all []spec.Module) string {
	var s stub
	s.line("---@meta %s", root)
	s.line("-- %s\n", generated)
	s.line("---@class %s", root)
	if root == "kumo" {
		s.field("version", "string", "The version of Troupe.")
	}
	s.line("local %s = {}\n", root)
	for _, name := range names(all) {
		if name != root && !strings.HasPrefix(name, root+".") {
			continue
		}
		of := named(all, name)
		if name != root {
			s.doc(of[0].Doc)
			s.line("%s = {}\n", name)
		}
		for _, m := range of {
			s.module(m)
		}
	}
	s.line("return %s", root)
	return s.String()
}

func named(all []spec.Module, name string) []spec.Module {
	return slices.DeleteFunc(slices.Clone(all), func(m spec.Module) bool { return m.Name != name })
}

func (s *stub) module(m spec.Module) {
	for _, c := range m.Classes {
		s.object(c)
	}
	for _, f := range m.Functions {
		full := m.Name + "." + f.Name
		if full == "kumo.on" {
			s.on(f)
			continue
		}
		s.function(full, full, f)
	}
}

// object declares a class with methods.
func (s *stub) object(c spec.Class) {
	local := strings.ReplaceAll(c.Name, ".", "_")
	s.doc(c.Doc)
	s.line("---@class %s", c.Name)
	for _, f := range c.Fields {
		s.field(f.Name, f.Type, f.Doc)
	}
	s.line("local %s = {}\n", local)
	for _, m := range c.Methods {
		s.function(c.Name+":"+m.Name, local+":"+m.Name, m)
	}
}

// function declares a function; full is its name for people, written that in Lua.
func (s *stub) function(full, written string, f spec.Function) {
	s.doc(f.Doc)
	params := make([]string, len(f.Params))
	for i, p := range f.Params {
		params[i] = p.Name
		s.parameter(p.Name, parameterType(full, p), p.Doc)
	}
	for _, r := range f.Results {
		if r.Doc == "" {
			s.line("---@return %s", r.Type)
			continue
		}
		s.line("---@return %s # %s", r.Type, r.Doc)
	}
	s.line("function %s(%s) end\n", written, strings.Join(params, ", "))
}

func (s *stub) parameter(name, typ, doc string) {
	if rest, ok := strings.CutSuffix(typ, "?"); ok && name != "..." {
		name, typ = name+"?", rest
	}
	s.line("---@param %s %s %s", name, typ, doc)
}

// on declares kumo.on once for each event, since what a handler is given depends
// on it.
func (s *stub) on(f spec.Function) {
	s.doc(f.Doc)
	for _, e := range events() {
		s.line("---@overload fun(event: '%s', handler: %s)", e.Name, handlerType(e))
	}
	for _, p := range f.Params {
		s.parameter(p.Name, p.Type, p.Doc)
	}
	s.line("function kumo.on(event, handler) end\n")
}
