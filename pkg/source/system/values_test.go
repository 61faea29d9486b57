package system_test

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"reseed/pkg/billing"
	"reseed/pkg/source/system"
)

// Amounts are kept as they are written, and never become floating-point numbers.
func TestDecimals(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]system.Decimal{
		`10.0`: "10.0", `-0.30`: "-0.30", `90071992547409.93`: "90071992547409.93", `1e3`: "1e3", `"12.50"`: "12.50", `null`: "", `""`: "",
	} {
		var v struct {
			A system.Decimal `json:"a"`
		}
		if err := json.Unmarshal([]byte(`{"a":`+text+`}`), &v); err != nil || v.A != want {
			t.Errorf("%s is %q, %v", text, v.A, err)
		}
	}
	for _, text := range []string{`true`, `{}`, `[1]`} {
		var v struct {
			A system.Decimal `json:"amount"`
		}
		if err := json.Unmarshal([]byte(`{"amount":`+text+`}`), &v); system.FieldOf(err) != "amount" {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestMoments(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		`"2026-03-01T12:00:00Z"`: noon, `"2026-03-01T13:00:00+01:00"`: noon, `"2026-03-01T12:00:00.000Z"`: noon, `"2026-03-01"`: noon.Add(-12 * time.Hour), `null`: {}, `""`: {},
	} {
		v := struct {
			At system.Moment `json:"at"`
		}{system.Moment{Time: noon}}
		if err := json.Unmarshal([]byte(`{"at":`+text+`}`), &v); err != nil || !v.At.Equal(want) {
			t.Errorf("%s is %s, %v", text, v.At, err)
		}
	}
	for _, text := range []string{`"soon"`, `7`, `"2026-13-01"`} {
		var v struct {
			At system.Moment `json:"at"`
		}
		err := json.Unmarshal([]byte(`{"at":`+text+`}`), &v)
		if _, ok := errors.AsType[*json.UnmarshalTypeError](err); !ok || system.FieldOf(err) != "at" {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// Records are sorted by dataset, and else stay as they are.
func TestSortRecords(t *testing.T) {
	t.Parallel()
	all := []billing.Record{&billing.LineItem{}, &billing.Customer{ExternalID: "b"}, &billing.Plan{}, &billing.Customer{ExternalID: "a"}}
	want := []billing.Record{all[2], all[1], all[3], all[0]}
	if system.SortRecords(all); !slices.Equal(all, want) {
		t.Errorf("%v", all)
	}
}
