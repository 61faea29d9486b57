package puller_test

import (
	"testing"
	"testing/synctest"
	"time"

	"reseed/internal/braintreetest"
	"reseed/pkg/job"
	"reseed/pkg/puller"
	"reseed/pkg/source/braintree"
)

// A Braintree merchant goes through all steps: its records are shown, then imported; unchanged they cost no write; who is deleted there
// and who is new comes with the next pull, and the others stay; and so does what one customer has, alone.
func TestBraintree(t *testing.T) {
	t.Parallel()
	judge := braintreetest.StartJudge(t) // outside of virtual time
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(today))
		w := braintreetest.New(time.Date(2025, 3, 1, 12, 0, 0, 0, time.UTC), judge)
		b := newBed(t, customersTab())
		b.connect(over{braintree.System{}, w}, map[string]string{"merchant_id": braintreetest.Merchant, "public_key": braintreetest.PublicKey, "private_key": braintreetest.PrivateKey})
		w.Story()
		lone := w.Customer(braintreetest.Fields{"first_name": "Lone"})
		w.Fill(51, time.Hour)
		j := b.pull(puller.Request{Plan: true})
		same(t, "the plan", job.Planned, j.Status)
		same(t, "customers of a plan", 0, len(b.names(b.src)))
		_, err := b.Importer.Apply(t.Context(), j.ID)
		must(t, err)
		b.work()
		j = b.job(j.ID)
		same(t, "the import", job.Done, j.Status)
		same(t, "rejects", int64(0), j.Rejects)
		same(t, "customers", 54, len(b.names(b.src)))
		b.pull(puller.Request{})
		b.untouched()
		w.Delete(lone)
		w.Fill(1, time.Hour)
		j = b.pull(puller.Request{})
		same(t, "the second import", job.Done, j.Status)
		same(t, "customers without one and with the new one", 54, len(b.names(b.src)))
		ann, other := w.IDs(braintreetest.Customers)[1], w.IDs(braintreetest.Customers)[2]
		w.Change(ann, braintreetest.Fields{"first_name": "Anna"})
		w.Change(other, braintreetest.Fields{"first_name": "Not asked for"})
		j = b.pull(puller.Request{Customer: ann})
		same(t, "the pull of one customer", job.Done, j.Status)
		names := b.names(b.src)
		same(t, "customers after it", 54, len(names))
		same(t, "the customer", "Anna Lee", names[ann])
		same(t, "another customer", "Ann Lee", names[other])
		for _, v := range w.Judged() {
			t.Error(v)
		}
	})
}
