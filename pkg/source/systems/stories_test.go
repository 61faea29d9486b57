package systems_test

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"reseed/pkg/source/systems"
)

// row is what the stories have in common of a record.
type row struct {
	Dataset  string `json:"dataset"`
	Name     string `json:"name"`
	ID       string `json:"external_id"`
	Customer string `json:"customer_external_id"`
	Invoice  string `json:"invoice_external_id"`
	Date     string `json:"date"`
	Effect   string `json:"effective_date"`
	Kind     string `json:"type"`
	Event    string `json:"event_type"`
	Result   string `json:"result"`
	Amount   int64  `json:"amount_in_cents"`
	Start    string `json:"service_period_start"`
	End      string `json:"service_period_end"`
}

// story reads the records of the story of a system.
func story(t *testing.T, system string) (all []row) {
	t.Helper()
	text, err := os.ReadFile("../" + strings.ToLower(system) + "/testdata/story.golden")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		var r row
		if json.Unmarshal([]byte(line), &r) == nil { // others are comments
			all = append(all, r)
		}
	}
	return all
}

// ann tells what became of Ann Lee in the story of a system: what she was billed for, what she paid, and what ended.
func ann(t *testing.T, system string) (told []string) {
	t.Helper()
	all := story(t, system)
	who := ""
	for _, r := range all {
		if r.Dataset == "customers" && r.Name == "Ann Lee" {
			who = r.ID
		}
	}
	hers := map[string]bool{}
	for _, r := range all {
		hers[r.ID] = hers[r.ID] || r.Dataset == "invoices" && r.Customer == who
	}
	for _, r := range all {
		if fact := r.fact(); fact != "" && (hers[r.Invoice] || r.Customer == who) {
			told = append(told, fact)
		}
	}
	slices.Sort(told)
	return told
}

// fact tells what a record says; empty for records that only hold others together.
func (r row) fact() string {
	switch {
	case r.Dataset == "line_items" && r.Kind == "subscription" && r.Amount != 0:
		return fmt.Sprintf("billed %d for %s to %s", r.Amount, r.Start, r.End)
	case r.Dataset == "transactions":
		return fmt.Sprintf("%s %s %s %d", r.Date, r.Result, r.Kind, r.Amount)
	case r.Dataset == "subscription_events":
		return fmt.Sprintf("%s effective %s", r.Event, r.Effect)
	}
	return ""
}

// The same story ends in the same facts with every system. Where a system cannot express a part of it, docs/systems/README.md says so
// under the same name.
func TestStoriesAgree(t *testing.T) {
	t.Parallel()
	differ := map[string][]string{ // facts of Stripe that are different there; "-" is Stripe's, "+" the system's
		"Stripe":   {},
		"Recurly":  {"-billed 3000 for 2026-03-16 to 2026-04-15"}, // paused: nothing is billed
		"Chargify": {"+subscription_cancelled effective 2026-03-16", "-billed 3000 for 2026-03-16 to 2026-04-15"},
		"Braintree": {
			"+2026-03-26 successful payment 1000", "+billed 1000 for 2026-01-30 to 2026-02-14", "+billed 1000 for 2026-03-26 to 2026-04-25",
			"+subscription_cancelled effective 2026-03-16", "-2026-04-25 successful payment 1000", "-billed -500 for 2026-01-30 to 2026-02-14",
			"-billed 1000 for 2026-04-25 to 2026-05-25", "-billed 1500 for 2026-01-30 to 2026-02-14", "-billed 3000 for 2026-03-16 to 2026-04-15",
			"-subscription_cancelled effective 2026-04-15",
		},
	}
	want := ann(t, "Stripe")
	if len(want) < 12 {
		t.Fatalf("the story is too short: %q", want)
	}
	for _, s := range systems.All() {
		got := ann(t, s.Name())
		if s.Name() == "PayPal" { // its cycles and prices are others; see the document
			if len(got) < 10 {
				t.Errorf("PayPal: %q", got)
			}
			continue
		}
		found := slices.Concat(without("-", want, got), without("+", got, want))
		slices.Sort(found)
		if diff := cmp.Diff(differ[s.Name()], found); diff != "" && len(differ[s.Name()])+len(found) > 0 {
			t.Errorf("%s differs otherwise: %s", s.Name(), diff)
		}
	}
}

// without returns the facts that others lack, with a mark before each.
func without(mark string, facts, others []string) (out []string) {
	for _, f := range facts {
		if !slices.Contains(others, f) {
			out = append(out, mark+f)
		}
	}
	return out
}
