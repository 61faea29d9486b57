package notify_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"reseed/pkg/job"
	"reseed/pkg/notify"
	"reseed/pkg/store"
)

// set changes the settings of the account.
func (b *bed) set(change func(*store.Settings)) {
	b.Helper()
	_, err := b.st.ChangeSettings(b.Context(), change)
	b.must(err)
}

// test is what became of the latest test message by mail.
func (b *bed) test() job.Delivery {
	b.Helper()
	m, err := b.ledger().Test(b.Context())
	b.must(err)
	return m.Ways[notify.Mail]
}

func (b *bed) ask() {
	b.Helper()
	_, err := b.ledger().PutTest(b.Context())
	b.must(err)
}

// A test message goes by mail alone, is tried again like any other, and stays with what became of it
// until the next one.
func TestATestMessage(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	j := b.ended(nothing) // a bystander
	b.ask()
	b.ask()
	b.mail.fails = errors.New("the server is down")
	b.deliver(b.process())
	if d := b.test(); d.Result != "" {
		t.Errorf("the server is down: %+v", d)
	}
	b.pass(12 * time.Hour)
	b.mail.fails = nil
	b.deliver(b.process())
	b.deliver(b.process())
	if d := b.test(); d.Result != job.Sent || d.At.IsZero() {
		t.Errorf("%+v", d)
	}
	subjects := func(w *way) (list []string) {
		for _, m := range w.got {
			list = append(list, strings.Fields(m.Subject)[0])
		}
		slices.Sort(list)
		return list
	}
	if mail, hook := subjects(&b.mail), subjects(&b.hook); !slices.Equal(mail, []string{"Import", "Test"}) || !slices.Equal(hook, []string{"Import"}) {
		t.Errorf("mail %v, webhook %v", mail, hook)
	}
	if d := b.told(j)["mail"]; d.Result != job.Sent {
		t.Errorf("the bystander: %+v", d)
	}
	b.ask()
	b.deliver(b.process(func(c *notify.Config) { c.Mail = nil }))
	if d := b.test(); d.Result != job.Unset {
		t.Errorf("without a way: %+v", d)
	}
	if b.waiting() != 0 {
		t.Errorf("%d wait", b.waiting())
	}
}

// The settings of the account say who gets mail, and whether anybody does. The webhook is not theirs.
func TestTheAccountSaysWhoGetsMail(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	no, yes := false, true
	for i, step := range []struct {
		change func(*store.Settings)
		to     []string // nil: those of the environment
		sent   bool
	}{
		{func(*store.Settings) {}, nil, true},
		{func(s *store.Settings) { s.MailTo = []string{"ann@example.com"} }, []string{"ann@example.com"}, true},
		{func(s *store.Settings) { s.Mail = &no }, nil, false},
		{func(s *store.Settings) { s.Mail, s.MailTo = &yes, nil }, nil, true},
	} {
		b.set(step.change)
		b.mail.got, b.hook.got = nil, nil
		b.ended(nothing)
		b.deliver(b.process())
		if len(b.hook.got) != 1 || (len(b.mail.got) == 1) != step.sent {
			t.Fatalf("%d: %d by mail, %d by webhook", i, len(b.mail.got), len(b.hook.got))
		}
		if step.sent && !slices.Equal(b.mail.got[0].To, step.to) {
			t.Errorf("%d: to %v, want %v", i, b.mail.got[0].To, step.to)
		}
	}
}
