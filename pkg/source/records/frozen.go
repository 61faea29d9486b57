package records

import (
	"encoding/json"

	"reseed/pkg/billing"
	"reseed/pkg/fault"
	"reseed/pkg/source"
)

// A pull of a billing system writes what its objects were mapped to as NDJSON. An object of which no record could be made
// is a line, too:
//
//	{"dataset":"invoices","external_id":"in_1","_reject":{"code":"stripe_lines_differ","column":"total","object":"in_1","reason":"…"}}
//
// It has the external id of the record if that is known, and no other fields.

// Unmapped says why no record could be made of an object. It is the member _reject of a frozen line.
type Unmapped struct {
	Code   string `json:"code"`             // never changes
	Column string `json:"column,omitempty"` // of the object, by the system's name
	Object string `json:"object,omitempty"` // id
	Reason string `json:"reason"`           // a sentence, and the link to the object
}

// AppendUnmapped appends the line of an object of which no record could be made. externalID is that of the record; empty if
// it is not known.
func AppendUnmapped(dst []byte, ds billing.Dataset, externalID string, why Unmapped) ([]byte, error) {
	line, err := json.Marshal(struct {
		Dataset    billing.Dataset `json:"dataset"`
		ExternalID string          `json:"external_id,omitempty"`
		Reject     Unmapped        `json:"_reject"`
	}{ds, externalID, why})
	if err != nil {
		return dst, fault.Wrap(err, fault.Internal, "records", "write a line of what could not be mapped")
	}
	return append(append(dst, line...), '\n'), nil
}

// unmapped is the problem that a member _reject of a frozen line tells.
func unmapped(text string) *billing.Problem {
	var why Unmapped
	if json.Unmarshal([]byte(text), &why) != nil || why.Code == "" {
		return &billing.Problem{Column: memberReject, Code: source.CodeBadJSON, Message: "_reject: This does not say why the record was rejected."}
	}
	return &billing.Problem{Column: why.Column, Code: why.Code, Message: why.Reason}
}

// objectOf is the id of the object of a frozen line that could not be mapped; empty of other lines.
func (r *rows) objectOf() string {
	if !r.shape.Frozen || r.problem != nil {
		return ""
	}
	for _, m := range r.object.members {
		var why Unmapped
		if m.name == memberReject && json.Unmarshal([]byte(m.value), &why) == nil {
			return why.Object
		}
	}
	return ""
}
