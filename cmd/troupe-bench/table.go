package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
)

// knownFormat refuses a --format that write does not know.
func knownFormat(name string) error {
	switch name {
	case "text", "markdown", "json":
		return nil
	}
	return fmt.Errorf("--format: expected text, markdown or json, got %q", name)
}

// write prints the report in a form that knownFormat lets pass.
func (r *report) write(w io.Writer, format string) error {
	switch format {
	case "json":
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(r)
	case "markdown":
		return r.markdown(w)
	}
	return r.text(w)
}

func (r *report) text(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, line := range r.lines() {
		fmt.Fprintln(t, strings.Join(line, "\t"))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\n%s\n%s", r.legend(), bullets("", r.Notes))
	return err
}

func (r *report) markdown(w io.Writer) error {
	var b strings.Builder
	for i, line := range r.lines() {
		for j, c := range line {
			line[j] = strings.ReplaceAll(c, "|", `\|`)
		}
		fmt.Fprintf(&b, "| %s |\n", strings.Join(line, " | "))
		if i == 0 {
			fmt.Fprintf(&b, "|---|---|%s\n", strings.Repeat("--:|", len(line)-2))
		}
	}
	_, err := fmt.Fprintf(w, "%s\n%s\n%s", &b, r.legend(), bullets("\n", r.Notes))
	return err
}

// lines are the cells of the table, the heading first.
func (r *report) lines() [][]string {
	compared := len(r.Subjects) > 1
	heading := append([]string{"workload", "metric"}, r.Subjects...)
	if compared {
		heading = append(heading, "lead over")
	}
	out := [][]string{heading}
	last := ""
	for _, row := range r.Rows {
		name := row.Workload
		if name == last {
			name = "" // said in the line above
		}
		last = row.Workload
		line := []string{name, row.Metric}
		for _, s := range r.Subjects {
			line = append(line, row.Cells[s].String())
		}
		if compared {
			line = append(line, row.Lead.String())
		}
		out = append(out, line)
	}
	return out
}

// legend says where the figures are from and how to read them.
func (r *report) legend() string {
	m := r.Machine
	system := strings.TrimSpace(m.System + " " + m.Kernel)
	s := fmt.Sprintf("%d processors, %s, %s. Medians; rounds: %d.", m.Processors, system, m.Go, r.Rounds)
	if len(r.Subjects) > 1 {
		s += fmt.Sprintf(" Lead: %s against the best of the others; above 1, %[1]s is better.", r.Subjects[0])
	}
	return s
}

func bullets(before string, notes []string) string {
	if len(notes) == 0 {
		return ""
	}
	return before + "- " + strings.Join(notes, "\n- ") + "\n"
}

func (c cell) String() string {
	switch {
	case c.Missing != "":
		return c.Missing
	case c.Errors > 0:
		return fmt.Sprintf("%s (%d errors)", number(*c.Median), c.Errors)
	}
	return number(*c.Median)
}

func (l *lead) String() string {
	if l == nil {
		return ""
	}
	return fmt.Sprintf("%.2f %s", l.Ratio, l.Over)
}

// number is a figure with the digits that mean something: three, more only
// before the point.
func number(v float64) string {
	switch size := max(v, -v); {
	case size >= 99.95:
		return thousands(strconv.FormatFloat(v, 'f', 0, 64))
	case size >= 9.995:
		return strconv.FormatFloat(v, 'f', 1, 64)
	default:
		return strconv.FormatFloat(v, 'f', 2, 64)
	}
}

// thousands groups the digits of a whole number by three.
func thousands(digits string) string {
	sign := ""
	if strings.HasPrefix(digits, "-") {
		sign, digits = "-", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}
