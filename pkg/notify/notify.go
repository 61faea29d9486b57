package notify

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/store"
)

// Names of the ways to people, under which the ledger stores how far a message has come.
const (
	Mail    = "mail"
	Webhook = "webhook"
)

// Way hands messages to people. Its error is a [*UnsentError] if the message was not taken; any other
// error counts as one that may pass.
type Way func(context.Context, *Message) error

// UnsentError says why a message was not taken.
type UnsentError struct {
	Why   string // a sentence for people and logs: no address, no secret, no value
	Final bool   // the other side wants no message any more
}

// Error returns why.
func (f *UnsentError) Error() string { return f.Why }

// Config is what a notifier works on. All fields but the ways and PublicURL must be set.
type Config struct {
	Store   *store.Store
	Ledger  *job.Ledger
	Now     func() time.Time
	Log     *slog.Logger
	Mail    Way // nil: the settings name nobody
	Webhook Way // nil: the settings name none
	// PublicURL is where commands reach this instance; empty if they run where the data is.
	PublicURL string
}

// Notifier delivers what is in the outbox.
type Notifier struct{ c Config }

// New returns a notifier. It makes no call.
func New(c Config) *Notifier { return &Notifier{c} }

const (
	tryTime   = 20 * time.Second // for one try
	lease     = 10 * time.Minute // after which a try counts as dead: far more than a try takes
	lastWords = 5 * time.Second  // what a try may still take when the process is told to end
	firstWait = time.Minute      // after the first failure; doubled after each further one
	longest   = 6 * time.Hour
	giveUp    = 4 * 24 * time.Hour // after the message was made
)

// Deliver sends every message of the outbox whose time has come. A way that fails is left alone until the
// next call, so that a server that hangs does not hold up the others. Errors of ways are logged and
// kept with the message; the error of Deliver is one of the table.
func (n *Notifier) Deliver(ctx context.Context) error {
	switch _, err := n.c.Store.Directory(ctx); {
	case store.Moves(err): // the messages go with the account
		return nil
	case err != nil:
		return err
	}
	list, err := n.c.Ledger.Outbox(ctx)
	if err != nil {
		return err
	}
	set, err := n.c.Store.Settings(ctx)
	if err != nil {
		return err
	}
	r := run{n, map[string]Way{Mail: addressed(n.c.Mail, set), Webhook: n.c.Webhook}, map[string]bool{}}
	var errs []error
	for _, m := range list {
		if ctx.Err() != nil {
			break
		}
		settle := r.message
		if m.About == job.AboutTest {
			settle = r.test
		}
		errs = append(errs, settle(ctx, m))
	}
	return errors.Join(errs...)
}

// addressed is the way for mail as the account has set it: to nobody, to the people that it has set, or
// to those that the environment names.
func addressed(way Way, set store.Settings) Way {
	switch {
	case way == nil, set.Mail != nil && !*set.Mail:
		return nil
	case len(set.MailTo) == 0:
		return way
	}
	return func(ctx context.Context, m *Message) error {
		to := *m
		to.To = set.MailTo
		return way(ctx, &to)
	}
}

// run is one call of [Notifier.Deliver].
type run struct {
	*Notifier
	ways  map[string]Way
	rests map[string]bool // ways that have failed
}

// message delivers one message on each way whose turn it is, and settles it if none is left.
func (r *run) message(ctx context.Context, m *job.Message) error {
	j, err := r.c.Ledger.Get(ctx, m.Job)
	if err != nil {
		return err
	}
	ended := map[string]job.Result{}
	for name, way := range r.ways {
		switch {
		case m.Ways[name].Result != "":
		case m.About == job.AboutWaiting && j.Status != job.Planned:
			ended[name] = job.Overtaken
		case way == nil:
			ended[name] = job.Unset
		case r.rests[name] || !r.c.Ledger.Ready(m, name) || !r.timeLeft(ctx):
		default:
			if err := r.tell(ctx, m, j, name); err != nil {
				return err
			}
		}
	}
	for name := range r.ways {
		if m.Ways[name].Result == "" && ended[name] == "" {
			return nil // it goes on later
		}
	}
	return r.c.Ledger.Settle(ctx, m, ended)
}

// tell writes a message about a job, and delivers it on one way.
func (r *run) tell(ctx context.Context, m *job.Message, j *job.Job, name string) error {
	message, err := write(factsOf(m, j, r.c.PublicURL))
	if err != nil {
		return err
	}
	return r.deliver(ctx, m, message, name)
}

// test delivers a test message, by mail alone.
func (r *run) test(ctx context.Context, m *job.Message) error {
	switch {
	case r.ways[Mail] == nil:
		return r.c.Ledger.Tried(ctx, m, Mail, job.Unset, "", time.Time{})
	case r.rests[Mail] || !r.c.Ledger.Ready(m, Mail) || !r.timeLeft(ctx):
		return nil
	}
	return r.deliver(ctx, m, testMessage(m), Mail)
}

// timeLeft tells whether a function has the time for another try.
func (r *run) timeLeft(ctx context.Context) bool {
	end, limited := ctx.Deadline()
	return ctx.Err() == nil && (!limited || end.Sub(r.c.Now()) > tryTime+lastWords)
}

// deliver makes one try, between two marks. Once the first mark is set, it goes on for a moment even
// if ctx ends: a message that was sent must be marked as sent.
func (r *run) deliver(ctx context.Context, m *job.Message, message *Message, name string) error {
	if m.Ways[name].By != "" && r.old(m) { // processes die in its tries
		return r.mark(ctx, m, name, &UnsentError{Why: "The process that tried last ended before it was done."})
	}
	mine, err := r.c.Ledger.Try(ctx, m, name, lease)
	if err != nil || !mine {
		return err
	}
	failure := r.try(ctx, name, message)
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), lastWords)
	defer stop()
	return r.mark(ctx, m, name, failure)
}

// try hands a message to a way, and returns why that did not take it; nil if it did. It ends a moment
// after the context.
func (r *run) try(ctx context.Context, name string, message *Message) *UnsentError {
	longer, stop := context.WithTimeout(context.WithoutCancel(ctx), tryTime)
	defer stop()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(lastWords, stop) })()
	err := r.ways[name](longer, message)
	if err == nil {
		return nil
	}
	failure, known := errors.AsType[*UnsentError](err)
	if !known {
		r.c.Log.ErrorContext(ctx, "a message could not be made ready", "job", message.Job, "way", name, "code", fault.CodeOf(err))
		failure = &UnsentError{Why: "It could not be made ready for sending."}
	}
	return failure
}

// mark notes how a try has ended.
func (r *run) mark(ctx context.Context, m *job.Message, name string, f *UnsentError) error {
	if f == nil {
		return r.c.Ledger.Tried(ctx, m, name, job.Sent, "", time.Time{})
	}
	r.rests[name] = true
	tries := m.Ways[name].Tries
	if f.Final || r.old(m) {
		r.c.Log.ErrorContext(ctx, "a message is given up", "job", m.Job, "about", string(m.About), "way", name, "tries", tries, "why", f.Why)
		return r.c.Ledger.Tried(ctx, m, name, job.GivenUp, f.Why, time.Time{})
	}
	wait := longest
	if doubled := firstWait << min(tries-1, 16); doubled < longest {
		wait = doubled
	}
	r.c.Log.WarnContext(ctx, "a message could not be sent, and is tried again", "job", m.Job, "about", string(m.About), "way", name, "tries", tries, "why", f.Why)
	return r.c.Ledger.Tried(ctx, m, name, "", f.Why, r.c.Now().UTC().Add(wait))
}

func (r *run) old(m *job.Message) bool { return r.c.Now().Sub(m.Made) >= giveUp }
