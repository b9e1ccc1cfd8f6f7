package modules

// mostMissed is how many names one state remembers that it has missed.
const mostMissed = 64

// Missed are the names that one state has read and that are not there. It is used
// in the goroutine of the state.
type Missed struct {
	index  *Index
	module map[string]string // by the last part of the name
}

func (m *Missed) add(module, field string) {
	if _, known := m.module[field]; known || len(m.module) < mostMissed {
		m.module[field] = module
	}
}

// Why is the message about the field of a module that was missed, with what was
// probably meant; empty when none of that name was. Of two modules in which it was
// missed the last one counts.
func (m *Missed) Why(field string) string {
	module, missed := m.module[field]
	if !missed {
		return ""
	}
	return m.index.why(module, field)
}
