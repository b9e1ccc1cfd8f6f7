package reference

import (
	"bytes"
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"text/template"
)

//go:embed conffile.lua.tmpl
var conffileTemplate string

// conffileWidth is that of its comments, without their indentation.
const conffileWidth = 86

// conffile is the policy that the packages install: it serves this host, and
// shows each parameter that it does not set, at its default and out of force.
func conffile() ([]byte, error) {
	t, err := template.New("policy.lua").Funcs(template.FuncMap{"parameters": parameterComments}).Parse(conffileTemplate)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = t.Execute(&out, page{Listener: listenerParameters(), HTTP: httpParameters()})
	return out.Bytes(), err
}

// parameterComments are the parameters of a listener but for those that are set.
// Those that are keys of one table are shown as that table.
func parameterComments(all []Parameter, set ...string) string {
	var b strings.Builder
	for i, p := range all {
		if slices.Contains(set, p.Key) {
			continue
		}
		outer, inner, nested := strings.Cut(p.Key, ".")
		first := nested && (i == 0 || !strings.HasPrefix(all[i-1].Key, outer+"."))
		last := nested && (i == len(all)-1 || !strings.HasPrefix(all[i+1].Key, outer+"."))
		if first {
			fmt.Fprintf(&b, "    --%s = {\n", outer)
		}
		if nested {
			b.WriteString(parameterComment("      ", inner, p))
		} else {
			b.WriteString(parameterComment("    ", p.Key, p))
		}
		if last {
			b.WriteString("    --},\n")
		}
		if !nested || last {
			b.WriteString("\n")
		}
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// parameterComment is what a parameter means, and its default as Lua. One that
// has none in Lua is named with what it is in words.
func parameterComment(indent, name string, p Parameter) string {
	usual := fmt.Sprintf("%s--%s = %s,\n", indent, name, p.Default)
	if strings.HasPrefix(p.Default, "(") {
		usual = fmt.Sprintf("%s-- %s: %s\n", indent, name, strings.Trim(p.Default, "()"))
	}
	return wrapped(indent+"-- ", p.Doc) + usual
}

// wrapped is text as comments of limited width.
func wrapped(prefix, text string) string {
	var b strings.Builder
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len(line)+1+len(word) > conffileWidth {
			b.WriteString(prefix + line + "\n")
			line = ""
		}
		line = strings.TrimPrefix(line+" "+word, " ")
	}
	b.WriteString(prefix + line + "\n")
	return b.String()
}
