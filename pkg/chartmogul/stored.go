package chartmogul

import (
	"encoding/json"

	"reseed/pkg/records"
	"reseed/pkg/table"
)

// withDisabled tells whether disabled records are asked for.
func (c *call) withDisabled() bool { return c.Flag("with_disabled") }

// style is how much an answer tells of records.
type style struct {
	full      bool // what /invoices, /line_items and /transactions tell and /import does not
	histories bool // what people have changed
	alone     bool // what is told of a line item outside its invoice
}

// style reads how much is asked for.
func (c *call) style() style { return style{full: true, histories: c.Flag("include_edit_histories")} }

// stateWire is what people have done to a record.
type stateWire struct {
	Disabled    bool         `json:"disabled"`
	DisabledAt  stamp        `json:"disabled_at"`
	DisabledBy  *string      `json:"disabled_by"`
	UserCreated bool         `json:"user_created"` // made by hand in ChartMogul's app: never
	History     *historyWire `json:"edit_history_summary,omitempty"`
}

type historyWire struct {
	ValuesChanged         map[string]changeWire `json:"values_changed"`
	LatestEditAuthor      string                `json:"latest_edit_author"`
	LatestEditPerformedAt stamp                 `json:"latest_edit_performed_at"`
}

type changeWire struct {
	Original json.RawMessage `json:"original_value"`
	Edited   json.RawMessage `json:"edited_value"`
}

// stateOf spells what people have done to a record; wire spells the record itself.
func stateOf(s records.Stored, st style, wire func(table.Attrs) any) *stateWire {
	if !st.full {
		return nil
	}
	w := &stateWire{Disabled: s.Edits.Disabled != nil}
	if m := s.Edits.Disabled; m != nil {
		w.DisabledAt, w.DisabledBy = stamp(m.Time()), &m.By
	}
	if st.histories {
		w.History = historyOf(s, wire)
	}
	return w
}

// historyOf tells what the edited fields are imported as, and what they are now; nil if none was
// edited.
func historyOf(s records.Stored, wire func(table.Attrs) any) *historyWire {
	last := s.Edits.Latest()
	if last == nil {
		return nil
	}
	h := &historyWire{map[string]changeWire{}, last.By, stamp(last.Time())}
	was, is := members(wire(s.Attrs)), members(wire(s.Shown()))
	for attr := range s.Edits.Fields {
		name := records.MemberOf(attr)
		if was[name] != nil || is[name] != nil { // a description is on the wire of one-time lines only
			h.ValuesChanged[name] = changeWire{was[name], is[name]}
		}
	}
	return h
}

// members are the members of an object as they go over the wire.
func members(wire any) map[string]json.RawMessage {
	var m map[string]json.RawMessage
	raw, _ := json.Marshal(wire) // our own types never fail
	_ = json.Unmarshal(raw, &m)
	return m
}
