package reference

import (
	"bytes"
	_ "embed"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"text/template"

	"github.com/troupe-proxy/troupe/lua/modules/spec"
)

//go:embed policy.md.tmpl
var pageTemplate string

// page is what the template is given.
type page struct {
	Generated               string
	Listener, Forward, HTTP []Parameter
	Classes                 []spec.Class
}

// markdown is docs/policy.md.
func markdown(all []spec.Module) ([]byte, error) {
	t, err := template.New("policy.md").Funcs(template.FuncMap{
		"parameters": parameterTable,
		"events":     eventList,
		"class":      classList,
		"modules":    func() string { return moduleList(all) },
		"refused":    func() string { return refusedTable(all) },
	}).Parse(pageTemplate)
	if err != nil {
		return nil, err
	}
	blankLines, err := regexp.Compile(`\n{3,}`)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = t.Execute(&out, page{
		Generated: generated, Listener: listenerParameters(), Forward: forwardParameters(), HTTP: httpParameters(), Classes: eventClasses(),
	})
	// The pieces end as they need to where they stand alone.
	return blankLines.ReplaceAll(out.Bytes(), []byte("\n\n")), err
}

// cell is text in a table, where a bar would end it.
func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }

// prose is text of the tables, which has no markup, between markup.
func prose(text string) string {
	return strings.NewReplacer("*", `\*`, "<", `\<`, "[", `\[`).Replace(text)
}

// code is text as code, in a table or out of it.
func code(text string) string { return "`" + text + "`" }

func parameterTable(all []Parameter) string {
	var b strings.Builder
	b.WriteString("| key | type | default | |\n|---|---|---|---|\n")
	for _, p := range all {
		usual := code(p.Default)
		if p.Default == "" {
			usual = "required"
		} else if strings.HasPrefix(p.Default, "(") {
			usual = strings.Trim(p.Default, "()")
		}
		doc := p.Doc
		if p.Range != "true or false" {
			doc += " Expected: " + p.Range + "."
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", code(p.Key), code(cell(p.Type)), cell(usual), cell(prose(doc)))
	}
	return b.String()
}

func eventList() string {
	var b strings.Builder
	for _, e := range events() {
		fmt.Fprintf(&b, "### %s\n\n%s\n\n%s\n\n", e.Name, code(handlerType(e)), prose(e.Doc))
		for _, p := range e.Params {
			b.WriteString(parameterLine(p.Type, p))
		}
		if len(e.Params) > 0 {
			b.WriteString("\n")
		}
	}
	return b.String()
}

// handlerType is the type of an event's handler.
func handlerType(e Event) string {
	params := make([]string, len(e.Params))
	for i, p := range e.Params {
		params[i] = p.Name + ": " + p.Type
	}
	text := "fun(" + strings.Join(params, ", ") + ")"
	if e.Result != "" {
		text += ": " + e.Result
	}
	return text
}

func parameterLine(typ string, p spec.Param) string {
	if p.Doc == "" {
		return fmt.Sprintf("* %s %s\n", code(p.Name), code(typ))
	}
	return fmt.Sprintf("* %s %s: %s\n", code(p.Name), code(typ), prose(p.Doc))
}

func classList(c spec.Class) string {
	var b strings.Builder
	fmt.Fprintf(&b, "#### %s\n\n%s\n\n", c.Name, prose(c.Doc))
	for _, f := range c.Fields {
		b.WriteString(parameterLine(f.Type, f))
	}
	if len(c.Fields) > 0 && len(c.Methods) > 0 {
		b.WriteString("\n")
	}
	for _, m := range c.Methods {
		b.WriteString(functionEntry(c.Name+":"+m.Name, m))
	}
	return b.String()
}

// moduleList describes the modules, those that require takes first.
func moduleList(all []spec.Module) string {
	var b strings.Builder
	for _, name := range names(all) {
		fmt.Fprintf(&b, "### %s\n\n", name)
		for _, m := range all {
			if m.Name == name {
				b.WriteString(moduleEntry(m))
			}
		}
	}
	return b.String()
}

func moduleEntry(m spec.Module) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n", prose(m.Doc))
	for _, f := range m.Functions {
		b.WriteString(functionEntry(m.Name+"."+f.Name, f))
	}
	b.WriteString("\n")
	for _, c := range m.Classes {
		b.WriteString(classList(c) + "\n")
	}
	return b.String()
}

func functionEntry(full string, f spec.Function) string {
	var b strings.Builder
	fmt.Fprintf(&b, "* %s  \n  %s\n", code(signature(full, f)), prose(f.Doc))
	for _, p := range f.Params {
		if p.Doc != "" {
			b.WriteString("  " + parameterLine(parameterType(full, p), p))
		}
	}
	for _, r := range f.Results {
		if r.Doc != "" {
			fmt.Fprintf(&b, "  * returns %s: %s\n", code(r.Type), prose(r.Doc))
		}
	}
	return b.String()
}

// names are those of the modules, in the order of the page.
func names(all []spec.Module) []string {
	set := map[string]struct{}{}
	for _, m := range all {
		set[m.Name] = struct{}{}
	}
	return slices.Sorted(maps.Keys(set))
}

func refusedTable(all []spec.Module) string {
	why := map[string]string{}
	for _, m := range all {
		for name, reason := range m.Refused {
			why[m.Name+"."+name] = reason
		}
	}
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(why)) {
		fmt.Fprintf(&b, "| %s | %s |\n", code(name), cell(prose(why[name])))
	}
	return b.String()
}
