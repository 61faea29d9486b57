package puller_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"reseed/pkg/eraser"
	"reseed/pkg/job"
	"reseed/pkg/puller"
)

// A pull that changes no row is the one that wrote last, as far as a reprocessing is concerned.
func TestReprocessAfterAnUnchangedPull(t *testing.T) {
	t.Parallel()
	inShop(t, func(b *bed, _ *shop) {
		b.done(shopDone)
		b.done(shopSame)
		j := b.pull(puller.Request{Reprocess: true})
		if j.Status != job.Done || counts(j) != shopSame {
			b.t.Errorf("%s %q %q %s", j.Status, j.Error, j.Import.Confirm, counts(j))
		}
	})
}

// After a customer is erased nothing of the pulls before is left that may name it: one that was under way at that time,
// one that waits for a yes, and one of this customer alone.
func TestErasedWhileItIsPulled(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]puller.Request{"all": {}, "a plan": {Plan: true}, "one customer": {Customer: "c03"}} {
		for _, call := range []int{3, 0} {
			t.Run(fmt.Sprint(name, call), func(t *testing.T) {
				t.Parallel()
				inShop(t, func(b *bed, s *shop) {
					first := b.done(shopDone)
					if call > 0 {
						s.at(call, func() error { return b.eraseCustomer("c03") })
					}
					j := b.begin(r)
					b.work()
					if call == 0 {
						must(b.t, b.eraseCustomer("c03"))
					}
					b.work()
					b.work()
					same(b.t, "the customer", "", b.names(b.src)["c03"])
					for _, j := range []*job.Job{b.job(first.ID), b.job(j.ID)} {
						same(b.t, "its files are erased", true, j.Import.FilesErased)
						same(b.t, "objects", 0, len(b.inputsOf(j)))
						left, err := b.Ledger.Tasks(b.t.Context(), j.ID, job.PhasePull)
						must(b.t, err)
						same(b.t, "how far the reading came", 0, len(left))
						text, err := json.Marshal(j)
						must(b.t, err)
						if strings.Contains(string(text), `"c03"`) {
							b.t.Errorf("the job names it: %s", text)
						}
					}
				})
			})
		}
	}
}

func (b *bed) eraseCustomer(external string) error {
	dir, err := b.Store.Directory(b.t.Context())
	must(b.t, err)
	sel, err := eraser.Select(dir, eraser.Customer, eraser.Names{Source: b.src.Name, ExternalID: external})
	must(b.t, err)
	time.Sleep(time.Second)
	_, err = b.StartErase(context.Background(), sel, eraser.Options{})
	return err
}
