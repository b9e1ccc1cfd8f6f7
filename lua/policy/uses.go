package policy

import (
	"cmp"
	"slices"

	"github.com/yuin/gopher-lua/ast"

	"github.com/troupe-proxy/troupe/lua/modules"
)

// Use is where a policy names something of a module that is not there, and Why says
// so. What is refused raises an error when it is read, what is not known is nil and
// does so when it is called; either may happen only when a handler comes by.
type Use struct {
	At  Position
	Why string
}

// MissingNames finds the names in the text of a file of the policy that the
// modules do not have, without running it. It follows require and local names
// that are given once; what is reached in another way is not found. A file that
// cannot be parsed has none.
func (p *Policy) MissingNames(file string, source []byte) []Use {
	if p.Hooks == nil {
		return nil
	}
	tree, failed := parse(file, source)
	if failed != nil {
		return nil
	}
	f := &useFinder{file: file, index: p.Hooks.program.modules, aliases: map[string][]string{}}
	walk(tree, f.visit)
	slices.SortStableFunc(f.found, func(a, b Use) int {
		return cmp.Or(a.At.Line-b.At.Line, cmp.Compare(a.Why, b.Why))
	})
	return slices.Compact(f.found)
}

// useFinder looks at the nodes of a syntax tree, the outer before the inner and
// in reading order.
type useFinder struct {
	file  string
	index *modules.Index
	// aliases has the local names that stand for a module or a table of one, as
	// the chain of fields that they are. Nil: the name was given to something else
	// as well.
	aliases map[string][]string
	found   []Use
}

func (f *useFinder) visit(n ast.PositionHolder) {
	switch n := n.(type) {
	case *ast.LocalAssignStmt:
		for i, name := range n.Names {
			if i < len(n.Exprs) {
				f.assign(name, n.Exprs[i])
			} else {
				f.assign(name, nil)
			}
		}
	case *ast.AssignStmt:
		for i, left := range n.Lhs {
			if name, ok := left.(*ast.IdentExpr); ok && i < len(n.Rhs) {
				f.assign(name.Value, n.Rhs[i])
			}
		}
	case *ast.FunctionExpr:
		for _, name := range n.ParList.Names {
			f.assign(name, nil)
		}
	case *ast.AttrGetExpr:
		f.read(n)
	}
}

// assign notes what a name stands for. One that has stood for something else is
// not followed any more: which of the two is meant takes more than reading.
func (f *useFinder) assign(name string, e ast.Expr) {
	chain := f.chain(e)
	if old, known := f.aliases[name]; known && !slices.Equal(old, chain) || !known && chain == nil {
		f.aliases[name] = nil
		return
	}
	f.aliases[name] = chain
}

func (f *useFinder) read(e *ast.AttrGetExpr) {
	chain := f.chain(e)
	if len(chain) < 2 || chain[0] == "kumo" && chain[1] == "version" {
		return
	}
	if why := f.index.Missing(chain); why != "" {
		f.found = append(f.found, Use{At: Position{File: f.file, Line: e.Line()}, Why: why})
	}
}

// chain is what an expression reads of a module, from the module's name on; nil
// when it is nothing of a module.
func (f *useFinder) chain(e ast.Expr) []string {
	switch e := e.(type) {
	case *ast.IdentExpr:
		return f.aliases[e.Value]
	case *ast.FuncCallExpr:
		return f.required(e)
	case *ast.AttrGetExpr:
		key, ok := e.Key.(*ast.StringExpr)
		outer := f.chain(e.Object)
		if !ok || outer == nil {
			return nil
		}
		return append(slices.Clone(outer), key.Value)
	}
	return nil
}

// required is the module of a call of require.
func (f *useFinder) required(call *ast.FuncCallExpr) []string {
	name, ok := call.Func.(*ast.IdentExpr)
	if !ok || name.Value != "require" || len(call.Args) != 1 {
		return nil
	}
	module, ok := call.Args[0].(*ast.StringExpr)
	if !ok || !slices.Contains(f.index.Roots(), module.Value) {
		return nil
	}
	return []string{module.Value}
}
