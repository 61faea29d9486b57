package puller_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"reseed/internal/effort"
	"reseed/pkg/eraser"
	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/puller"
	"reseed/pkg/records"
)

// All that a source has is erased before any of the changes that a pull of it makes, of objects or of the table, or after it has ended, also
// if it only made a plan: nothing that was read before comes back. The next pull fills the source again.
func TestEmptiedWhileItIsPulled(t *testing.T) {
	t.Parallel()
	for _, kind := range []eraser.Kind{eraser.Content, eraser.Dependent} {
		for _, plan := range []bool{false, true} {
			for _, where := range []string{"objects", "table"} {
				t.Run(fmt.Sprint(kind, plan, where), func(t *testing.T) {
					t.Parallel()
					synctest.Test(t, func(t *testing.T) {
						time.Sleep(time.Until(today))
						last := 0
						for n := range effort.Cases(t.Name(), 500, 4) {
							if !emptiedAt(t, kind, plan, where, n) {
								break
							}
							last = n
						}
						if last < 8 {
							t.Errorf("only %d changes of %s", last, where)
						}
					})
				})
			}
		}
	}
}

// emptiedAt empties the source before the n-th change of a pull, or after the last one, and reports whether there were so many.
func emptiedAt(t *testing.T, kind eraser.Kind, plan bool, where string, n int) (came bool) {
	t.Helper()
	s := newShop()
	s.stock(shopCustomers)
	b := newBed(t, customersTab())
	b.connect(s, map[string]string{"user": "u", "secret": shopSecret})
	empty := func() {
		_, err := b.StartErase(context.Background(), eraser.Selection{Kind: kind, Source: b.src.UUID}, eraser.Options{})
		must(t, err)
	}
	j := b.begin(puller.Request{Plan: plan})
	came = b.beforeChange(where, n, empty)
	if !came {
		empty()
	}
	b.settle()
	if b.job(j.ID).Status == job.Planned {
		if _, err := b.Importer.Apply(t.Context(), j.ID); err == nil {
			b.settle()
		}
	}
	got := b.job(j.ID)
	if left := b.itemsOf(kind); left != "" || came && !plan && got.Status != job.Failed && got.Status != job.Done {
		t.Fatalf("emptied before change %d of %s: %s %q, left %s", n, where, got.Status, got.Error, left)
	}
	if got.Status == job.Failed && !strings.Contains(got.Error, "sync it again.") && !strings.Contains(got.Error, "make a new plan.") {
		t.Errorf("it says %q", got.Error)
	}
	same(t, "the pull that comes next", job.Done, b.pull(puller.Request{}).Status)
	same(t, "customers then", shopCustomers, len(b.names(b.src)))
	same(t, "invoices then", "EUR", b.currencyOf("in02"))
	b.untouched()
	return came
}

// beforeChange works, and does something before the n-th change of the objects or of the table, if there are so many.
func (b *bed) beforeChange(where string, n int, do func()) (came bool) {
	b.t.Helper()
	var changes atomic.Int64 // sections are mapped side by side
	plain := b.objs
	hook := func() {
		if changes.Add(1) == int64(n) {
			came = true
			do()
		}
	}
	queue := b.queue
	if where == "objects" {
		b.objs = plain.Around(func(change func() error) error {
			hook()
			return change()
		})
	} else {
		b.before = func() error { hook(); return nil }
	}
	b.restart()
	b.queue = queue
	b.work()
	b.objs, b.before = plain, nil
	queue = b.queue
	b.restart()
	b.queue = queue
	return came
}

// settle waits until erases have swept, and works.
func (b *bed) settle() {
	b.t.Helper()
	for range 3 {
		b.work()
		time.Sleep(2 * time.Minute)
		must(b.t, b.Tick(b.t.Context()))
	}
	b.work()
}

// itemsOf lists what is visible of what an erase of this kind takes.
func (b *bed) itemsOf(kind eraser.Kind) string {
	b.t.Helper()
	var left []string
	if kind == eraser.Content {
		for id := range b.names(b.src) {
			left = append(left, id)
		}
	}
	for i := range shopCustomers {
		id := fmt.Sprintf("in%02d", i)
		_, _, err := b.records().Invoice(b.t.Context(), records.Name{Source: b.src.UUID, ExternalID: id})
		if err == nil {
			left = append(left, id)
		} else if !fault.Is(err, fault.NotFound) {
			b.t.Fatal(err)
		}
	}
	return strings.Join(left, " ")
}
