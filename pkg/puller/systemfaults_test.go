package puller_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"reseed/pkg/eraser"
	"reseed/pkg/fault"
	"reseed/pkg/importer"
	"reseed/pkg/job"
	"reseed/pkg/puller"
	"reseed/pkg/source/remote"
	"reseed/pkg/source/system"
)

const (
	shopCustomers = 7
	shopDone      = "customers +7 ~0 =0 -0 !0, invoices +7 ~0 =0 -0 !0, line_items +7 ~0 =0 -0 !0, plans +1 ~0 =0 -0 !0, subscription_events +0 ~0 =0 -0 !0, transactions +1 ~0 =0 -0 !0"
	shopSame      = "customers +0 ~0 =7 -0 !0, invoices +0 ~0 =7 -0 !0, line_items +0 ~0 =7 -0 !0, plans +0 ~0 =1 -0 !0, subscription_events +0 ~0 =0 -0 !0, transactions +0 ~0 =1 -0 !0"
)

// inShop runs a test in virtual time on a bed whose source pulls from a shop.
func inShop(t *testing.T, test func(*bed, *shop)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		t.Helper()
		time.Sleep(time.Until(today))
		s := newShop()
		s.stock(shopCustomers)
		b := newBed(t, customersTab())
		b.connect(s, map[string]string{"user": "u", "secret": shopSecret})
		test(b, s)
		b.untouched()
	})
}

// at makes the n-th call from now on fail, or do something.
func (s *shop) at(n int, do func() error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	from := len(s.calls)
	s.before = func(call int) error {
		if call == from+n {
			return do()
		}
		return nil
	}
}

// rawOf lists the raw pages of a job.
func (b *bed) rawOf(j *job.Job) []string {
	b.t.Helper()
	names, err := b.objs.Names(b.t.Context(), importer.RawDir(j.ID))
	must(b.t, err)
	return names
}

func (b *bed) system() *puller.System {
	b.t.Helper()
	s, err := b.Puller.Setting(b.t.Context(), b.src.Tag)
	must(b.t, err)
	return s.System
}

func TestShop(t *testing.T) {
	t.Parallel()
	inShop(t, func(b *bed, s *shop) {
		t := b.t
		j := b.done(shopDone)
		same(t, "pages, and the customer that is not listed", 10, len(s.calls))
		same(t, "no call twice", len(s.calls), len(slices.Compact(slices.Sorted(slices.Values(s.calls)))))
		same(t, "raw pages", 10, len(b.rawOf(j)))
		same(t, "only they are left", b.rawOf(j), b.inputsOf(j))
		same(t, "the note", "Read from the Ledgerly account Acme (acc_1): 15 objects.", j.Notes[0])
		same(t, "customers", shopCustomers, len(b.names(b.src)))
		second := b.done(shopSame)
		same(t, "writes of rows", int64(0), second.Cost.WriteMilli)
		same(t, "raw pages of the first", 0, len(b.inputsOf(j)))
		same(t, "raw pages of the second", 10, len(b.rawOf(second)))
		s.remove("refunds", "re00")
		s.put("invoices", good{ID: "in03", Of: "c03", Amount: 103, Date: time.Date(2025, 5, 4, 0, 0, 0, 0, time.UTC), Void: true})
		j = b.pull(puller.Request{})
		same(t, "the last refund is gone", job.Planned, j.Status)
		same(t, "it asks", true, strings.Contains(j.Import.Confirm, "transactions"))
		_, err := b.Importer.Apply(t.Context(), j.ID)
		must(t, err)
		b.work()
		same(t, "then it is removed", "transactions +0 ~0 =0 -1 !0", counts(b.job(j.ID))[strings.Index(counts(j), "transactions"):])
		same(t, "the invoice", int64(1), b.job(j.ID).Datasets["invoices"].Changed)
	})
}

// Each page costs the ledger at most two writes.
func TestWritesOfAPage(t *testing.T) {
	t.Parallel()
	inShop(t, func(b *bed, s *shop) {
		t := b.t
		s.stock(90)
		b.begin(puller.Request{})
		before, worst := b.writes.Load(), int64(0)
		s.before = func(int) error {
			now := b.writes.Load()
			worst, before = max(worst, now-before), now
			return nil
		}
		must(t, b.step(t.Context()))
		if len(s.calls) < 90 || worst == 0 || worst > 4 { // the first call is that of the first page
			t.Errorf("%d calls, and up to %d writes for a page", len(s.calls), worst)
		}
		same(t, "the whole pull", true, b.writes.Load() < int64(len(s.calls))*2)
	})
}

// What does not answer is waited for; in the end the pull fails, and nothing has changed.
func TestSystemIsAway(t *testing.T) {
	t.Parallel()
	inShop(t, func(b *bed, s *shop) {
		t := b.t
		s.at(4, away)
		j := b.pull(puller.Request{})
		same(t, "while it is away", job.Running, j.Status)
		must(t, b.Progress(t.Context(), j))
		same(t, "why it waits", "Ledgerly: it could not be reached.", j.Progress.Waits)
		must(t, b.Tick(t.Context()))
		b.work()
		j = b.job(j.ID)
		same(t, "when it is back", shopDone, counts(j))
		same(t, "it waits no more", "", j.Progress.Waits)
		same(t, "calls: only the failed one was made again", 11, len(s.calls))
		s.remove("customers", "c00")
		s.before = func(int) error { return away() }
		j = b.begin(puller.Request{})
		for range 40 {
			b.work()
			time.Sleep(time.Minute)
			must(t, b.Tick(t.Context()))
		}
		b.work()
		if j = b.job(j.ID); j.Status != job.Failed || j.ErrorCode != remote.CodeWait || !strings.Contains(j.Error, "Nothing was changed.") {
			t.Errorf("%s %q", j.Status, j.Error)
		}
		same(t, "customers", shopCustomers, len(b.names(b.src)))
		same(t, "what is left", 0, len(b.inputsOf(j)))
		same(t, "the credentials", "", b.system().Refused)
		s.before = nil
		if j = b.pull(puller.Request{Reprocess: true}); j.Status != job.Done || counts(j) != shopSame {
			t.Errorf("raw pages of the last whole pull: %s %q %s", j.Status, j.Error, counts(j))
		}
	})
}

// A key that is revoked in mid-pull, and one of another account, end the pull and are told in the source, until a pull is good.
func TestRefusedCredentials(t *testing.T) {
	t.Parallel()
	inShop(t, func(b *bed, s *shop) {
		t := b.t
		b.done(shopDone)
		s.remove("customers", "c00")
		s.at(4, func() error { s.Revoke(shopSecret); return nil })
		j := b.pull(puller.Request{})
		if j.Status != job.Failed || j.ErrorCode != remote.CodeAuth || strings.Contains(j.Error, shopSecret) {
			t.Errorf("%s %q %q", j.Status, j.ErrorCode, j.Error)
		}
		if is := b.system(); !strings.Contains(is.Refused, "refuses the key") || is.RefusedAt.IsZero() {
			t.Errorf("%q %s", is.Refused, is.RefusedAt)
		}
		same(t, "customers", shopCustomers, len(b.names(b.src)))
		s.Allow("other", system.Account{ID: "acc_2", Live: true})
		must(t, b.vault.Put(t.Context(), b.src.UUID, map[string]string{"user": "u", "secret": "other"}))
		calls := len(s.calls)
		j = b.pull(puller.Request{})
		same(t, "of another account", puller.CodeOtherAccount, j.ErrorCode)
		same(t, "pages of another account", calls, len(s.calls))
		s.Allow("new", system.Account{ID: "acc_1", Name: "Acme", Live: true})
		must(t, b.vault.Put(t.Context(), b.src.UUID, map[string]string{"user": "u", "secret": "new"}))
		j = b.pull(puller.Request{})
		same(t, "with a good key", job.Done, j.Status)
		same(t, "the credentials", "", b.system().Refused)
	})
}

// A list that is shorter than the system says is read again, and in the end nothing is removed.
func TestIncomplete(t *testing.T) {
	t.Parallel()
	inShop(t, func(b *bed, s *shop) {
		t := b.t
		s.totals = true
		b.done(shopDone)
		s.at(3, func() error { s.put("customers", good{ID: "c00a", Name: "New"}); return nil })
		j := b.pull(puller.Request{})
		if j.Status != job.Done || j.Datasets["customers"].Added != 1 {
			t.Fatalf("%s %q %s", j.Status, j.Error, counts(j))
		}
		n := 0
		s.before = func(int) error {
			n++
			s.put("customers", good{ID: fmt.Sprintf("a%03d", n), Name: "New"})
			return nil
		}
		j = b.pull(puller.Request{})
		if j.Status != job.Failed || j.ErrorCode != puller.CodeIncomplete || !strings.Contains(j.Error, "3 times in a row") {
			t.Errorf("%s %q", j.Status, j.Error)
		}
		same(t, "customers", shopCustomers+1, len(b.names(b.src)))
	})
}

func TestReprocess(t *testing.T) {
	t.Parallel()
	inShop(t, func(b *bed, s *shop) {
		t := b.t
		void := good{ID: "in03", Of: "c03", Amount: 103, Date: time.Date(2025, 5, 4, 0, 0, 0, 0, time.UTC), Void: true}
		s.put("invoices", void)
		_, err := b.Puller.Start(t.Context(), b.src.UUID, puller.Request{Reprocess: true})
		refused(t, err, fault.Conflict, puller.CodePullNeeded, "")
		first := b.done(shopDone)
		calls := len(s.calls)
		must(t, b.Puller.SetMapping(t.Context(), b.src.UUID, puller.Mapping{Settings: func(m *system.Settings) { m.WithoutVoided = true }}))
		j := b.pull(puller.Request{Reprocess: true})
		if j.Status != job.Done || j.Datasets["invoices"].Removed != 1 || j.Datasets["customers"].Unchanged != shopCustomers {
			t.Fatalf("%s %q %q %s %q", j.Status, j.Error, j.Import.Confirm, counts(j), j.Notes)
		}
		same(t, "calls", calls, len(s.calls))
		same(t, "the note", "Left out, as the settings and the mapping say: voided invoices (1).", j.Notes[1])
		same(t, "raw pages stay where they are", 10, len(b.rawOf(first)))
		_, err = b.Importer.Undo(t.Context(), j.ID, importer.UndoOptions{})
		must(t, err)
		b.work()
		j = b.pull(puller.Request{Reprocess: true})
		same(t, "after an undo", job.StateAsking, j.State())
		if _, err = b.Importer.Apply(t.Context(), j.ID); err != nil {
			t.Fatal(err)
		}
		b.work()
		same(t, "after a yes", job.Done, b.job(j.ID).Status)
		j = b.pull(puller.Request{Reprocess: true})
		same(t, "once more", job.Done, j.Status)
		_, err = b.StartErase(t.Context(), eraser.Selection{Kind: eraser.Content, Source: b.src.UUID}, eraser.Options{})
		must(t, err)
		b.work()
		time.Sleep(time.Hour)
		must(t, b.Tick(t.Context()))
		b.work()
		same(t, "raw pages after an erase", 0, len(b.rawOf(first)))
		_, err = b.Puller.Start(t.Context(), b.src.UUID, puller.Request{Reprocess: true})
		refused(t, err, fault.Conflict, puller.CodePullNeeded, "")
		b.done(strings.ReplaceAll(strings.ReplaceAll(shopDone, "invoices +7", "invoices +6"), "line_items +7", "line_items +6"))
	})
}

func TestNotForSheets(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, customersTab())
		for _, r := range []puller.Request{{Customer: "c1"}, {Reprocess: true}} {
			_, err := b.Puller.Start(t.Context(), b.src.UUID, r)
			refused(t, err, fault.Conflict, puller.CodeNotForSheets, "")
		}
	})
}

// Two pulls at once: the second is refused. A message that is delivered twice, also at the same time, does no harm.
func TestTwice(t *testing.T) {
	t.Parallel()
	inShop(t, func(b *bed, s *shop) {
		t := b.t
		j := b.begin(puller.Request{})
		_, err := b.Puller.Start(t.Context(), b.src.UUID, puller.Request{})
		refused(t, err, fault.Conflict, puller.CodeRunning, "")
		s.at(5, func() error { return b.Pull(context.Background(), puller.Message{Job: j.ID}) })
		m := b.queue[0]
		b.queue = append(b.queue, m, m)
		b.work()
		same(t, "the pull", shopDone, counts(b.job(j.ID)))
		same(t, "calls", 10, len(s.calls))
		b.queue = append(b.queue, m)
		b.work()
		same(t, "late", shopDone, counts(b.job(j.ID)))
	})
}

// A pull that outlasts the time of its function goes on in further invocations, at the next page.
func TestManyInvocationsOfASystem(t *testing.T) {
	t.Parallel()
	inShop(t, func(b *bed, s *shop) {
		t := b.t
		s.before = func(int) error { time.Sleep(25 * time.Second); return nil }
		j := b.begin(puller.Request{})
		invocations := 0
		for b.job(j.ID).Pulling() && invocations < 50 {
			invocations++
			ctx, stop := context.WithTimeout(t.Context(), 120*time.Second)
			for len(b.queue) > 0 && b.job(j.ID).Pulling() {
				must(t, b.step(ctx))
			}
			stop()
			must(t, b.Tick(t.Context()))
		}
		b.work()
		same(t, "the pull", shopDone, counts(b.job(j.ID)))
		same(t, "calls", 10, len(s.calls))
		if invocations < 3 {
			t.Errorf("%d invocations", invocations)
		}
	})
}

// A step of mapping that does not end in the time of a function is done again. If it is never done in time the pull fails, and has changed
// nothing.
func TestSlowSteps(t *testing.T) {
	t.Parallel()
	for _, slow := range []int{2, 6} {
		t.Run(fmt.Sprint(slow), func(t *testing.T) {
			t.Parallel()
			inShop(t, func(b *bed, s *shop) {
				t := b.t
				invocations, plain := 0, b.objs
				b.objs = plain.Around(func(change func() error) error {
					if invocations <= slow && len(s.calls) == 10 {
						time.Sleep(52 * time.Second) // the next change comes too late
					}
					return change()
				})
				b.restart()
				j := b.begin(puller.Request{})
				for b.job(j.ID).Pulling() && b.job(j.ID).Status == job.Running && invocations < 20 {
					invocations++
					ctx, stop := context.WithTimeout(t.Context(), 60*time.Second)
					for len(b.queue) > 0 && b.job(j.ID).Pulling() {
						if err := b.step(ctx); ctx.Err() == nil {
							must(t, err)
						}
					}
					stop()
					time.Sleep(2 * time.Minute) // its lease runs out
					must(t, b.Tick(t.Context()))
				}
				b.work()
				got := b.job(j.ID)
				if slow == 2 {
					same(t, "the pull", shopDone, counts(got))
					return
				}
				if got.Status != job.Failed || got.ErrorCode != puller.CodeTooLong || !strings.HasSuffix(got.Error, "Nothing was changed.") || invocations > 8 {
					t.Errorf("%s %q %q after %d invocations", got.Status, got.ErrorCode, got.Error, invocations)
				}
				same(t, "customers", 0, len(b.names(b.src)))
			})
		})
	}
}

func TestEndedWhileReadingASystem(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*bed, *job.Job) error{
		"cancelled": func(b *bed, j *job.Job) error { _, err := b.Importer.Cancel(context.Background(), j.ID); return err },
		"erased": func(b *bed, _ *job.Job) error {
			_, err := b.StartErase(context.Background(), eraser.Selection{Kind: eraser.Source, Source: b.src.UUID}, eraser.Options{})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inShop(t, func(b *bed, s *shop) {
				t := b.t
				j := b.begin(puller.Request{})
				s.at(5, func() error { time.Sleep(time.Second); return end(b, j) })
				b.work()
				time.Sleep(time.Minute)
				must(t, b.Tick(t.Context()))
				b.work()
				if got := b.job(j.ID); got.Status != job.Cancelled && got.Status != job.Failed {
					t.Errorf("%s %q", got.Status, got.Error)
				}
				same(t, "what is left", 0, len(b.inputsOf(j)))
				if len(s.calls) > 7 {
					t.Errorf("%d calls", len(s.calls))
				}
			})
		})
	}
}
