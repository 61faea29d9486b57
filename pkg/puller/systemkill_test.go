package puller_test

import (
	"testing"
	"testing/synctest"
	"time"

	"reseed/internal/effort"
	"reseed/pkg/job"
	"reseed/pkg/puller"
)

// A process is killed at each of its changes of objects and of the table: while it reads pages, looks up customers, sorts, joins
// and maps. Another one goes on at that page or step: the same end, with the same counts, and no page is asked for more than
// once more.
func TestSystemKilledAnywhere(t *testing.T) {
	t.Parallel()
	for _, where := range []string{"objects", "table, before", "table, after"} {
		t.Run(where, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Until(today))
				last := 0
				for n := range effort.Cases(t.Name(), 500, 1) {
					if !systemKilledAt(t, where, n) {
						break
					}
					last = n
				}
				if last < 15 {
					t.Errorf("only %d changes of %s", last, where)
				}
			})
		})
	}
}

// systemKilledAt kills the first process at its n-th change while it pulls from a shop, and reports
// whether it came so far.
func systemKilledAt(t *testing.T, where string, n int) (killed bool) {
	t.Helper()
	s := newShop()
	s.stock(shopCustomers)
	b := newBed(t, customersTab())
	b.connect(s, map[string]string{"user": "u", "secret": shopSecret})
	b.done(shopDone)
	s.remove("invoices", "in05")
	j := b.begin(puller.Request{})
	calls := len(s.calls)
	killed = b.killedAt(where, n, j.ID)
	got := b.job(j.ID)
	const want = "customers +0 ~0 =7 -0 !0, invoices +0 ~0 =6 -1 !0, line_items +0 ~0 =6 -1 !0, plans +0 ~0 =1 -0 !0, subscription_events +0 ~0 =0 -0 !0, transactions +0 ~0 =1 -0 !0"
	if got.Status != job.Done || counts(got) != want {
		t.Fatalf("killed at change %d of %s: %s %q %q %s", n, where, got.Status, got.Error, got.Import.Confirm, counts(got))
	}
	if len(s.calls)-calls > 10 || len(b.rawOf(got)) != len(b.inputsOf(got)) || len(b.rawOf(got)) != 9 {
		t.Fatalf("killed at change %d of %s: %d calls, left %q", n, where, len(s.calls)-calls, b.inputsOf(got))
	}
	b.untouched()
	return killed
}
