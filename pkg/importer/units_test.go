package importer_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"reseed/pkg/importer"
	"reseed/pkg/job"
	"reseed/pkg/objects"
	"reseed/pkg/source"
	"reseed/pkg/store"
	"reseed/pkg/table"
	"reseed/pkg/table/mem"
)

const (
	invoiceHeader = "Customer external ID,Invoice external ID,Invoiced date,Currency"
	unitsHeader   = "Invoice external ID,External ID,Type,Amount in cents,Discount amount,Tax amount,Transaction fee,Transaction fees currency,Balance transfer"
)

// amountsOf are the amounts of all line items and transactions that have external ids, by these.
func (l *line) amountsOf(t tester, src store.Source) map[string]string {
	t.Helper()
	out := map[string]string{}
	for k, text := range l.dump(t, src) {
		kind, a := store.RecordAt(k.SK), table.Attrs(text)
		if kind == nil || !kind.Part {
			continue
		}
		var amounts []string
		for _, amount := range kind.Amounts {
			if v, given := a.Get(amount.Attr); given {
				amounts = append(amounts, fmt.Sprint(amount.Attr[:3], " ", v.Int()))
			}
		}
		out[a.Str("external_id")] = strings.Join(amounts, ", ")
	}
	return out
}

func TestAmountsInUnits(t *testing.T) {
	t.Parallel()
	sheet := func(header string, rows ...string) input { return sheetOf(append([]string{header}, rows...)...) }
	lines := func(rows ...string) input { return sheet(lineHeader, rows...) }
	payments := func(rows ...string) input { return sheet(paymentHeader, rows...) }
	minor := func(rows ...string) input {
		return input{name: "minor.ndjson", body: []byte(strings.Join(rows, "\n") + "\n")}
	}
	for _, c := range []struct {
		name    string
		files   []input
		replace bool
		want    map[string]string // amounts that are stored
		rejects []string          // their codes
	}{
		{
			name:  "stored invoices",
			files: []input{lines("E,e,one_time,12.50,", "J,j,one_time,1250,", "K,k,one_time,-1.250,", "E,z,one_time,0,"), payments("E,p,payment,successful,2024-02-01,7.5", "E,w,payment,successful,2024-02-01,", "K,r,refund,failed,2024-02-01,0.00")},
			want:  map[string]string{"e": "amo 1250", "j": "amo 1250", "k": "amo -1250", "z": "", "p": "amo 750", "w": "", "r": "amo 0"},
		},
		{
			name:  "every amount of a line item, a fee in its own currency",
			files: []input{sheet(unitsHeader, "E,a,one_time,10.01,1.5,0.01,3,JPY,2.20", "J,b,one_time,10,1,2,3.125,KWD,4", "E,c,one_time,1,,,0.25,,")},
			want:  map[string]string{"a": "amo 1001, bal 220, dis 150, tax 1, tra 3", "b": "amo 10, bal 4, dis 1, tax 2, tra 3125", "c": "amo 100, tra 25"},
		},
		{
			name:    "more decimals than the currency has",
			files:   []input{lines("E,e,one_time,12.505,", "J,j,one_time,0.5,", "K,k,one_time,0.0001,", "E,f,one_time,12.5000,")},
			want:    map[string]string{"f": "amo 1250"},
			rejects: []string{"amount_not_exact", "amount_not_exact", "amount_not_exact"},
		},
		{
			name:    "no such invoice",
			files:   []input{lines("X,x,one_time,12.50,", "E,e,one_time,1,")},
			want:    map[string]string{"e": "amo 100"},
			rejects: []string{"unknown_invoice"},
		},
		{
			name:    "invoices of the same import, new and in another currency than before",
			files:   []input{sheet(invoiceHeader, "c1,N,2024-01-31,KWD", "c1,E,2024-01-31,JPY"), lines("N,n,one_time,1.250,", "E,e,one_time,12,", "E,f,one_time,12.5,")},
			want:    map[string]string{"n": "amo 1250", "e": "amo 12"},
			rejects: []string{"amount_not_exact"},
		},
		{
			name:    "replace",
			files:   []input{lines("E,e,one_time,12.50,", "J,j,one_time,3,")},
			replace: true,
			want:    map[string]string{"e": "amo 1250", "j": "amo 3"},
		},
		{
			name: "the same rows in minor units",
			files: []input{lines("E,e,one_time,12.50,", "E,e,one_time,12.50,", "E,f,one_time,1,"), minor(
				`{"dataset":"line_items","invoice_external_id":"E","external_id":"e","type":"one_time","amount_in_cents":1250}`,
				`{"dataset":"line_items","invoice_external_id":"E","external_id":"e","type":"one_time","amount_in_cents":1250}`,
				`{"dataset":"line_items","invoice_external_id":"E","external_id":"f","type":"one_time","amount_in_cents":1}`,
			)},
			want:    map[string]string{"e": "amo 1250", "f": "amo 100"},
			rejects: []string{"duplicate_differs"},
		},
		{
			name: "rows in minor units, then the same in units",
			files: []input{
				minor(`{"dataset":"line_items","invoice_external_id":"E","type":"one_time","amount_in_cents":1250}`,
					`{"dataset":"line_items","invoice_external_id":"X","type":"one_time","amount_in_cents":1250}`),
				lines("E,,one_time,12.50,", "E,,one_time,12.505,", "X,,one_time,1,"),
			},
			want:    map[string]string{"": "amo 1250"},
			rejects: []string{"amount_not_exact", "unknown_invoice", "unknown_invoice"},
		},
	} {
		for name, sizes := range map[string][2]int64{"small": {0, 1 << 30}, "large": {60, 1}} {
			t.Run(c.name+"/"+name, func(t *testing.T) {
				t.Parallel()
				l := newLine(mem.New(mem.Options{}), objects.Mem(), sizes[0], sizes[1])
				src := l.source(t, "S")
				l.done(t, src, sheet("External ID", "c1"), sheet(invoiceHeader, "c1,E,2024-01-31,EUR", "c1,J,2024-01-31,JPY", "c1,K,2024-01-31,KWD"))
				r := importer.Request{Source: src, Origin: job.ByFile, Options: importer.Options{Plan: true, Settings: source.Settings{Amounts: source.AmountsUnits}}}
				if c.replace {
					r.Options.Mode = job.Replace
				}
				j := l.applied(t, l.asked(t, r, c.files...))
				if diff := cmp.Diff(c.want, l.amountsOf(t, src)); diff != "" {
					t.Errorf("stored: -want +got\n%s", diff)
				}
				text := l.rejects(t, j)
				for _, code := range c.rejects {
					if !strings.Contains(text, code) {
						t.Errorf("no reject %s in:\n%s", code, text)
					}
					text = strings.Replace(text, code, "", 1)
				}
				if int(j.Rejects) != len(c.rejects) {
					t.Errorf("%d rejects, want %v:\n%s", j.Rejects, c.rejects, text)
				}
				again := l.asked(t, r, c.files...)
				for ds, n := range again.Datasets {
					if n.Added+n.Changed+n.Removed > 0 {
						t.Errorf("the same files again: %s %+v", ds, n)
					}
				}
			})
		}
	}
}
