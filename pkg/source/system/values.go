package system

import (
	"bytes"
	"cmp"
	"encoding/json"
	"reflect"
	"slices"
	"time"

	"reseed/pkg/billing"
)

// Decimal is an amount in major units as a system has written it, number or text; empty if there is none. It is never a
// floating-point number. [Money.Decimal] converts it.
type Decimal string

// UnmarshalJSON takes a number, a text or null.
func (d *Decimal) UnmarshalJSON(b []byte) error {
	switch {
	case bytes.Equal(b, []byte("null")):
		return nil
	case bytes.HasPrefix(b, []byte(`"`)):
		return json.Unmarshal(b, (*string)(d))
	case bytes.ContainsAny(b[:1], "-0123456789"):
		*d = Decimal(b)
		return nil
	}
	return &json.UnmarshalTypeError{Value: "no number", Type: reflect.TypeFor[Decimal]()}
}

// Moment is a time as systems write it: ISO 8601, or a date, which is the beginning of its day in UTC. It is zero if there is none.
type Moment struct{ time.Time }

// UnmarshalJSON takes a text or null.
func (m *Moment) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	if s == "" {
		m.Time = time.Time{}
		return nil
	}
	at, err := billing.ParseTime(s)
	if err != nil {
		return &json.UnmarshalTypeError{Value: "no time", Type: reflect.TypeFor[Moment]()}
	}
	m.Time = at
	return nil
}

// SortRecords sorts records by dataset, in the order in which they are imported, and else leaves their order as it is.
func SortRecords(all []billing.Record) {
	place := map[billing.Dataset]int{}
	for i, ds := range billing.Order() {
		place[ds] = i
	}
	slices.SortStableFunc(all, func(a, b billing.Record) int { return cmp.Compare(place[a.Dataset()], place[b.Dataset()]) })
}
