package puller_test

import (
	"testing"
	"testing/synctest"
	"time"

	"reseed/internal/recurlytest"
	"reseed/pkg/job"
	"reseed/pkg/puller"
	"reseed/pkg/source/recurly"
)

// A Recurly site goes through all steps: its records are shown, then imported; unchanged they cost no write; an account that is new comes with the
// next pull, and the others stay.
func TestRecurly(t *testing.T) {
	t.Parallel()
	judge := recurlytest.TheJudge(t) // outside of virtual time
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(today))
		w := recurlytest.New(time.Date(2025, 3, 1, 12, 0, 0, 0, time.UTC), judge)
		b := newBed(t, customersTab())
		b.connect(over{recurly.System{}, w}, map[string]string{"key": recurlytest.Key})
		w.Story()
		w.Fill(201, time.Hour)
		j := b.pull(puller.Request{Plan: true})
		same(t, "the plan", job.Planned, j.Status)
		same(t, "customers of a plan", 0, len(b.names(b.src)))
		_, err := b.Importer.Apply(t.Context(), j.ID)
		must(t, err)
		b.work()
		j = b.job(j.ID)
		same(t, "the import", job.Done, j.Status)
		same(t, "rejects", int64(0), j.Rejects)
		same(t, "customers", 203, len(b.names(b.src)))
		b.pull(puller.Request{})
		b.untouched()
		w.Fill(1, time.Hour)
		j = b.pull(puller.Request{})
		same(t, "the second import", job.Done, j.Status)
		same(t, "customers with the new one", 204, len(b.names(b.src)))
		for _, v := range w.Judged() {
			t.Error(v)
		}
	})
}
