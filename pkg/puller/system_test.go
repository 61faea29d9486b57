package puller_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"reseed/internal/stripetest"
	"reseed/pkg/credentials"
	"reseed/pkg/job"
	"reseed/pkg/puller"
	"reseed/pkg/source/stripe"
	"reseed/pkg/source/system"
)

// over is a system that is reached through a transport.
type over struct {
	system.System

	transport http.RoundTripper
}

func (o over) Open(c system.Connection) (system.Reader, error) {
	c.Transport, c.Now = o.transport, time.Now
	return o.System.Open(c)
}

// connect makes the bed's source pull from a system.
func (b *bed) connect(sys system.System, secrets map[string]string) {
	b.t.Helper()
	b.find = func(name string) (system.System, bool) { return sys, strings.EqualFold(name, sys.Name()) }
	b.vault = credentials.NewFolder(b.t.TempDir())
	b.restart()
	b.src = b.add(sys.Name()+" EU", sys.Name())
	_, err := b.Puller.Connect(b.t.Context(), b.src.UUID, puller.Connection{System: sys.Name(), Credentials: secrets})
	must(b.t, err)
}

// today is when pulls of Stripe take place: Stripe's own stand-in knows no time before 2010.
var today = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// newStripe is a bed whose source pulls from a Stripe account.
func newStripe(t *testing.T) (*bed, *stripetest.World) {
	t.Helper()
	w, err := stripetest.New(time.Date(2025, 3, 1, 12, 0, 0, 0, time.UTC))
	must(t, err)
	b := newBed(t, customersTab())
	b.connect(over{stripe.System{}, w}, map[string]string{"key": stripetest.Key})
	return b, w
}

// judged builds the judge outside of virtual time.
func judged(t *testing.T) {
	t.Helper()
	_, err := stripetest.TheJudge()
	must(t, err)
}

func TestStripe(t *testing.T) {
	t.Parallel()
	judged(t)
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(today))
		b, w := newStripe(t)
		w.Story()
		w.Fill(101, time.Hour)
		j := b.pull(puller.Request{Plan: true})
		t.Log(j.Status, j.Error, j.Import.Confirm, counts(j), j.Notes, j.Reasons)
		same(t, "the plan", job.Planned, j.Status)
		same(t, "customers of a plan", 0, len(b.names(b.src)))
		_, err := b.Importer.Apply(t.Context(), j.ID)
		must(t, err)
		b.work()
		j = b.job(j.ID)
		same(t, "the import", job.Done, j.Status)
		same(t, "customers", 103, len(b.names(b.src)))
		j = b.pull(puller.Request{})
		t.Log(j.Status, j.Error, j.Import.Confirm, counts(j), j.Notes, j.Cost)
		b.untouched()
		for _, v := range w.Verdicts() {
			t.Error(v)
		}
	})
}
