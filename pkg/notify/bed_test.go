package notify_test

import (
	"bytes"
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"reseed/pkg/job"
	"reseed/pkg/notify"
	"reseed/pkg/store"
	"reseed/pkg/table/mem"
)

// bed is a ledger with a clock that stands still, and ways to people that only keep what they get.
type bed struct {
	*testing.T

	st         *store.Store
	mail, hook way
	log        bytes.Buffer

	mu  sync.Mutex
	now time.Time
}

// way keeps the messages that it takes.
type way struct {
	mu    sync.Mutex
	got   []*notify.Message
	fails error // instead of taking a message
	amid  func()
}

func (w *way) send(_ context.Context, m *notify.Message) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.amid != nil {
		w.amid()
	}
	if w.fails != nil {
		return w.fails
	}
	w.got = append(w.got, m)
	return nil
}

func newBed(t *testing.T) *bed {
	t.Helper()
	return &bed{T: t, st: store.New(mem.New(mem.Options{})), now: time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)}
}

func (b *bed) clock() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now
}

func (b *bed) pass(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = b.now.Add(d)
}

// process is a process that tells people, with a ledger of its own.
func (b *bed) process(change ...func(*notify.Config)) *notify.Notifier {
	c := notify.Config{
		Store: b.st, Ledger: b.ledger(), Now: b.clock, Log: slog.New(slog.NewTextHandler(&b.log, nil)), Mail: b.mail.send, Webhook: b.hook.send,
	}
	for _, f := range change {
		f(&c)
	}
	return notify.New(c)
}

func (b *bed) ledger() *job.Ledger { return job.NewLedger(b.st, b.clock) }

func (b *bed) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func (b *bed) deliver(n *notify.Notifier) {
	b.Helper()
	b.must(n.Deliver(b.Context()))
}

// ended makes a job and ends it.
func (b *bed) ended(change func(*job.Job)) *job.Job {
	b.Helper()
	l := b.ledger()
	j, err := l.Create(b.Context(), &job.Job{
		Kind: job.Import, Source: "ds_1", SourceName: "Größe & Co", Import: &job.ImportSpec{Origin: job.ByFile, Scanned: true, Applying: true},
	})
	b.must(err)
	j, _, err = l.End(b.Context(), j.ID, func(j *job.Job) error { j.Status = job.Done; change(j); return nil })
	b.must(err)
	return j
}

// told is what became of the only message about a job.
func (b *bed) told(j *job.Job) map[string]job.Delivery {
	b.Helper()
	l := b.ledger()
	now, err := l.Get(b.Context(), j.ID)
	b.must(err)
	list, err := l.Messages(b.Context(), now)
	b.must(err)
	if len(list) != 1 {
		b.Fatalf("%d messages", len(list))
	}
	return list[0].Ways
}

// waiting is how many messages are in the outbox.
func (b *bed) waiting() int {
	b.Helper()
	list, err := b.ledger().Outbox(b.Context())
	b.must(err)
	return len(list)
}
