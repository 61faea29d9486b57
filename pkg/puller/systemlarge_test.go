package puller_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"reseed/internal/stripetest"
	"reseed/pkg/bundle"
	"reseed/pkg/job"
	"reseed/pkg/puller"
	"reseed/pkg/source/system"
)

// tooLarge is a text that no object may hold.
func tooLarge() string { return strings.Repeat("x", bundle.MostBytes) }

// An object that is too large is a reject that names it. What is stored of it stays, and everything else goes on, each time. If not even its
// id is known, nothing of its dataset is removed.
func TestObjectTooLarge(t *testing.T) {
	t.Parallel()
	inShop(t, func(b *bed, s *shop) {
		t := b.t
		b.done(shopDone)
		s.put("customers", good{ID: "c00", Name: tooLarge()})
		s.put("customers", good{ID: "c01", Name: "Anna"})
		s.remove("invoices", "in05")
		j := b.done("customers +0 ~1 =5 -0 !1, invoices +0 ~0 =6 -1 !0, line_items +0 ~0 =6 -1 !0, plans +0 ~0 =1 -0 !0, subscription_events +0 ~0 =0 -0 !0, transactions +0 ~0 =1 -0 !0")
		same(t, "the code", system.CodeTooLarge, j.Reasons[0].Code)
		same(t, "the customer and another one", "Name 0 Anna", b.names(b.src)["c00"]+" "+b.names(b.src)["c01"])
		b.done("customers +0 ~0 =6 -0 !1, invoices +0 ~0 =6 -0 !0, line_items +0 ~0 =6 -0 !0, plans +0 ~0 =1 -0 !0, subscription_events +0 ~0 =0 -0 !0, transactions +0 ~0 =1 -0 !0")
		s.put("customers", good{ID: "c00", Name: "Name 0"})
		s.remove("invoices", "in04")
		s.put("invoices", good{ID: tooLarge(), Of: "c04"})
		j = b.pull(puller.Request{})
		same(t, "the job", job.Done, j.Status)
		same(t, "the code", system.CodeTooLarge, j.Reasons[0].Code)
		same(t, "the invoice", "EUR", b.currencyOf("in04"))
	})
}

// The same with Stripe: a customer with a name, and an invoice with a footer, of which the footer does not count.
func TestStripeObjectTooLarge(t *testing.T) {
	t.Parallel()
	judged(t)
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(today))
		b, w := newStripe(t)
		w.Fill(5, time.Hour)
		same(t, "the first pull", job.Done, b.pull(puller.Request{}).Status)
		were := b.names(b.src)
		ids := w.IDs("customer")
		w.Change(ids[0], stripetest.Fields{"name": tooLarge()})
		w.Change(w.IDs("invoice")[1], stripetest.Fields{"footer": tooLarge()})
		w.Delete(ids[2])
		j := b.pull(puller.Request{})
		same(t, "rejects", int64(1), j.Rejects)
		i := slices.IndexFunc(j.Reasons, func(r job.Reason) bool { return r.Code == system.CodeTooLarge })
		if i < 0 {
			t.Fatalf("%s %q %+v", j.Status, j.Error, j.Reasons)
		}
		same(t, "the pull", job.Done, j.Status)
		delete(were, ids[2])
		same(t, "customers", were, b.names(b.src))
		b.untouched()
	})
}
