package chartmogul

import (
	"encoding/json"

	"reseed/pkg/records"
	"reseed/pkg/table"
)

// withDisabled reports whether the request wants disabled records, too.
func (c *call) withDisabled() bool { return c.Flag("with_disabled") }

// style says which members records have in an answer.
type style struct {
	full      bool // also the members that /invoices, /line_items and /transactions have and /import lacks
	histories bool // also what people have changed
	alone     bool // also the members of a line item outside its invoice
}

// style reads from the request which members it wants.
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

// stateOf returns what people have done to a record. wire makes the wire form of the record itself.
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

// historyOf returns the imported and the edited values of the edited fields; nil if no field was
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
		if was[name] != nil || is[name] != nil { // some are not on the wire: a subscription line's description
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
