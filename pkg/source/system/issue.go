package system

import (
	"cmp"
	"slices"

	"reseed/pkg/billing"
)

// Issue is something that a person should know about an object. If it rejects, no record was made of the
// object; else it is a note. It holds no personal data.
type Issue struct {
	Rejects bool
	Dataset billing.Dataset // of the record
	Record  string          // external id of the record that was not made, if it rejects and is known
	Stream  Stream
	Object  string // id
	Field   string // of the object, by the system's name; may be empty
	Code    string // never changes
	Message string // a sentence
	Link    string // to the object where people see it in the system
}

// SortIssues sorts issues, and drops those that say the same.
func SortIssues(issues []Issue) []Issue {
	slices.SortFunc(issues, func(a, b Issue) int {
		return cmp.Or(cmp.Compare(a.Stream, b.Stream), cmp.Compare(a.Object, b.Object), cmp.Compare(a.Code, b.Code), cmp.Compare(a.Field, b.Field))
	})
	return slices.Compact(issues)
}
