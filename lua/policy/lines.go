package policy

import (
	"strconv"

	"github.com/yuin/gopher-lua/ast"
)

// place is where a key is written: its line, and its number among the keys of
// the call in reading order.
type place struct {
	line int
	seq  int
}

// literal has the place of each key of a table written out in a call, by the
// name it has in an Error: "timeout", "tcp_keepalive.time", "trusted_hosts[2]".
// It is nil when the table was built elsewhere.
type literal map[string]place

// literal finds the table that is the last argument of the call at a position.
// Of text that came in by load or dofile there is no tree: nil.
func (c *chunks) literal(at Position, function string) literal {
	finder := callFinder{line: at.Line, function: function}
	walk(c.tree(at.File), finder.visit)
	table := finder.found()
	if table == nil {
		return nil
	}
	places := literal{}
	places.collect(table, "")
	return places
}

// collect numbers the keys of a table and of the tables in it. Of a key given
// twice the last one counts, as it does when the table is built.
func (l literal) collect(table *ast.TableExpr, prefix string) {
	position := 0
	for _, field := range table.Fields {
		var name string
		line := field.Value.Line()
		switch key := field.Key.(type) {
		case nil:
			position++
			name = indexKey(prefix, position)
		case *ast.StringExpr:
			name, line = joinKey(prefix, key.Value), key.Line()
		case *ast.NumberExpr:
			n, err := strconv.Atoi(key.Value)
			if err != nil {
				continue
			}
			name, line = indexKey(prefix, n), key.Line()
		default:
			continue
		}
		l[name] = place{line: line, seq: len(l)}
		if inner, ok := field.Value.(*ast.TableExpr); ok {
			l.collect(inner, name)
		}
	}
}

func joinKey(prefix, name string) string {
	if prefix == "" {
		return name
	}
	return prefix + "." + name
}

func indexKey(prefix string, i int) string { return prefix + "[" + strconv.Itoa(i) + "]" }

// callFinder collects the calls on one line whose last argument is a table
// written out in place.
type callFinder struct {
	line     int
	function string // the last part of its name, as in start_proxy_listener

	named []*ast.TableExpr // calls of that name
	other []*ast.TableExpr // calls by another name: a local, pcall
}

// found is the table of the only call it can be. With several calls on one line
// their keys are on that line as well, so there is nothing to win by guessing.
func (f *callFinder) found() *ast.TableExpr {
	switch {
	case len(f.named) == 1:
		return f.named[0]
	case len(f.named) == 0 && len(f.other) == 1:
		return f.other[0]
	}
	return nil
}

func (f *callFinder) visit(n ast.PositionHolder) {
	call, ok := n.(*ast.FuncCallExpr)
	if !ok || call.Line() != f.line || len(call.Args) == 0 {
		return
	}
	table, ok := call.Args[len(call.Args)-1].(*ast.TableExpr)
	if !ok {
		return
	}
	if get, ok := call.Func.(*ast.AttrGetExpr); ok {
		if key, ok := get.Key.(*ast.StringExpr); ok && key.Value == f.function {
			f.named = append(f.named, table)
			return
		}
	}
	f.other = append(f.other, table)
}
