package puller_test

import (
	"testing"
	"testing/synctest"
	"time"

	"reseed/internal/paypaltest"
	"reseed/pkg/job"
	"reseed/pkg/puller"
	"reseed/pkg/source/paypal"
)

// A PayPal account goes through all steps: its records are shown, then imported; unchanged they cost no write; what is new comes with the next pull,
// and the others stay; and so does what one customer has, alone.
func TestPayPal(t *testing.T) {
	t.Parallel()
	judge := paypaltest.StartJudge(t) // outside of virtual time
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(today))
		w := paypaltest.New(today.AddDate(0, -6, 0), judge)
		b := newBed(t, customersTab())
		w.Story()
		w.Fill(21, time.Hour)
		w.Advance(today.Sub(w.Now()))
		b.connect(over{paypal.System{}, w}, map[string]string{"client_id": paypaltest.ClientID, "secret": paypaltest.Secret})
		j := b.pull(puller.Request{Plan: true})
		same(t, "the plan", job.Planned, j.Status)
		same(t, "customers of a plan", 0, len(b.names(b.src)))
		_, err := b.Importer.Apply(t.Context(), j.ID)
		must(t, err)
		b.work()
		j = b.job(j.ID)
		same(t, "the import", job.Done, j.Status)
		same(t, "rejects", int64(0), j.Rejects)
		same(t, "customers", 23, len(b.names(b.src)))
		b.pull(puller.Request{})
		b.untouched()
		w.Advance(time.Since(w.Now()))
		w.Fill(1, 0)
		time.Sleep(5 * time.Hour)
		j = b.pull(puller.Request{})
		same(t, "the second import", job.Done, j.Status)
		same(t, "customers with the new one", 24, len(b.names(b.src)))
		ann, other := w.IDs(paypaltest.Payers)[1], w.IDs(paypaltest.Payers)[2]
		w.Change(ann, paypaltest.Fields{"name": paypaltest.Fields{"given_name": "Anna", "surname": "Lee"}})
		w.Change(other, paypaltest.Fields{"name": paypaltest.Fields{"given_name": "Not asked for", "surname": "Lee"}})
		j = b.pull(puller.Request{Customer: ann})
		same(t, "the pull of one customer", job.Done, j.Status)
		names := b.names(b.src)
		same(t, "customers after it", 24, len(names))
		same(t, "the customer", "Anna Lee", names[ann])
		same(t, "another customer", "Ann Lee", names[other])
		for _, v := range w.Judged() {
			t.Error(v)
		}
	})
}
