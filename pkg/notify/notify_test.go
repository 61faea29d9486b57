package notify_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"reseed/pkg/job"
	"reseed/pkg/notify"
)

func nothing(*job.Job) {}

func TestAMessageIsSentOnceOnEachWay(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	var jobs []*job.Job
	for range 30 {
		jobs = append(jobs, b.ended(nothing))
	}
	var wg sync.WaitGroup
	for range 8 { // doubled events, in several processes
		wg.Go(func() {
			if err := b.process().Deliver(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	b.deliver(b.process())
	for name, w := range map[string]*way{"mail": &b.mail, "webhook": &b.hook} {
		seen := map[string]int{}
		for _, m := range w.got {
			seen[m.ID]++
		}
		if len(w.got) != len(jobs) || len(seen) != len(jobs) {
			t.Errorf("%s: %d messages, %d different ones", name, len(w.got), len(seen))
		}
	}
	for _, j := range jobs {
		if d := b.told(j)["mail"]; d.Result != job.Sent || d.Tries != 1 || d.At.IsZero() {
			t.Errorf("%+v", d)
		}
	}
	if b.waiting() != 0 {
		t.Errorf("%d wait", b.waiting())
	}
}

// A process that dies after its mark, whether it had sent or not, leaves the message to another one,
// which waits until the lease is over.
func TestAProcessThatDiesIsFollowed(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	j := b.ended(nothing)
	dead := b.ledger()
	list, err := dead.Outbox(t.Context())
	b.must(err)
	mine, err := dead.Try(t.Context(), list[0], "mail", 10*time.Minute)
	if err != nil || !mine {
		t.Fatal(mine, err)
	}
	b.pass(10*time.Minute - time.Second)
	b.deliver(b.process())
	if len(b.mail.got) != 0 || len(b.hook.got) != 1 {
		t.Errorf("%d mails, %d calls before the lease is over", len(b.mail.got), len(b.hook.got))
	}
	b.pass(time.Second)
	for range 3 {
		b.deliver(b.process())
	}
	if len(b.mail.got) != 1 || len(b.hook.got) != 1 || b.mail.got[0].ID != b.hook.got[0].ID {
		t.Errorf("%d mails, %d calls", len(b.mail.got), len(b.hook.got))
	}
	if d := b.told(j)["mail"]; d.Result != job.Sent || d.Tries != 2 {
		t.Errorf("%+v", d)
	}
}

func TestFailuresAreTriedAgainAndGivenUp(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	first, n := b.ended(nothing), b.process()
	second := b.ended(nothing)
	b.mail.fails = &notify.UnsentError{Why: "The mail server answered 451."}
	tried := 0
	b.mail.amid = func() { tried++ }
	b.deliver(n)
	b.deliver(n) // the first message rests now, the second has its turn
	if d := b.told(first)["mail"]; tried != 2 || len(b.hook.got) != 2 || d.Tries != 1 || d.Why == "" || d.Next.Sub(b.clock()) != time.Minute {
		t.Errorf("%+v", d)
	}
	deliverFor := func(d time.Duration) {
		const step = 10 * time.Minute
		for range d / step {
			b.pass(step)
			b.deliver(n)
		}
	}
	deliverFor(4*24*time.Hour - 10*time.Minute)
	if d := b.told(first)["mail"]; d.Result != "" || d.Tries < 20 || d.Tries > 30 {
		t.Errorf("%+v", d)
	}
	deliverFor(7 * time.Hour) // at most six hours pass between tries
	if d := b.told(first)["mail"]; d.Result != job.GivenUp || d.Why != "The mail server answered 451." || b.waiting() != 0 {
		t.Errorf("%+v, %d wait", d, b.waiting())
	}
	if !strings.Contains(b.log.String(), "a message is given up") || !strings.Contains(b.log.String(), "job="+second.ID) {
		t.Error("the log does not say that the messages are given up")
	}
}

func TestAnEndForGoodIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	j, n := b.ended(nothing), b.process()
	b.hook.fails = &notify.UnsentError{Why: "The webhook answered 410.", Final: true}
	b.mail.fails = errors.New("a mistake")
	b.deliver(n)
	if d := b.told(j); d["webhook"].Result != job.GivenUp || d["mail"].Result != "" || strings.Contains(d["mail"].Why+b.log.String(), "a mistake") {
		t.Errorf("%+v\n%s", d, b.log.String())
	}
}

func TestNoWayIsSet(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	j := b.ended(nothing)
	b.deliver(b.process(func(c *notify.Config) { c.Mail, c.Webhook = nil, nil }))
	if d := b.told(j); d["mail"].Result != job.Unset || d["webhook"].Result != job.Unset || b.waiting() != 0 {
		t.Errorf("%+v, %d wait", d, b.waiting())
	}
	b.deliver(b.process()) // settings that come later don't bring old news
	if len(b.mail.got)+len(b.hook.got) != 0 {
		t.Error("it was sent")
	}
}

// A plan that was applied before people were told that it waits is told of once, by its end.
func TestAPlanThatWentOn(t *testing.T) {
	t.Parallel()
	for name, inTime := range map[string]bool{"in time": true, "too late": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBed(t)
			l := b.ledger()
			j, err := l.Create(t.Context(), &job.Job{Kind: job.Import, Import: &job.ImportSpec{Scanned: true, Plan: true}})
			b.must(err)
			_, _, err = l.End(t.Context(), j.ID, func(j *job.Job) error { j.Status = job.Planned; return nil })
			b.must(err)
			want := "ended"
			if inTime {
				b.deliver(b.process())
				want = "waiting ended"
			}
			_, _, err = l.End(t.Context(), j.ID, func(j *job.Job) error { j.Status = job.Cancelled; return nil })
			b.must(err)
			b.deliver(b.process())
			var got []string
			for _, m := range b.mail.got {
				got = append(got, string(m.About))
			}
			if strings.Join(got, " ") != want || b.waiting() != 0 {
				t.Errorf("told that it %v, %d wait", got, b.waiting())
			}
		})
	}
}
