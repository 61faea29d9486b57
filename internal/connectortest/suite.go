package connectortest

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"reseed/pkg/billing"
	"reseed/pkg/source/records"
	"reseed/pkg/source/remote"
	"reseed/pkg/source/system"
)

// Trouble is something that goes wrong with one call.
type Trouble string

// The troubles. Each world makes them as its system does.
const (
	Busy      Trouble = "429 with Retry-After"
	BusyMute  Trouble = "429 without Retry-After"
	Failing   Trouble = "500"
	Lost      Trouble = "connection lost"
	Cut       Trouble = "half a body"
	HTML      Trouble = "a web page"
	NullList  Trouble = "null in place of the list"
	NullInner Trouble = "null in place of a list inside an object"
	NewWord   Trouble = "a word that nobody knows"
	WrongType Trouble = "a text where a number belongs"
)

// World is a stand-in for a system, with one account.
type World interface {
	http.RoundTripper

	Requests() []string // path and query of each call
	Judged() (verdicts []error)
	Fill(n int, span time.Duration) []string // makes n objects of each stream, and returns the ids of all objects
	Long(n, parts int) []string              // makes n objects with so many parts, and returns the ids of all objects
	Sell(currency string, amounts ...int64)  // makes a paid invoice of such lines; amounts are minor units of the system
	Unbalance()                              // makes an invoice whose lines do not sum to its total
	Story()                                  // signup with trial … reactivated; see the golden
	Trouble(n int, what Trouble)             // at the n-th call from 1
	Before(n int, do func())                 // before the n-th call
	Revoke()                                 // the key, from now on
	Deny() (permission string)               // takes a permission from the key
	Churn() (stays []string)                 // changes, makes and deletes objects, and returns the ids that a pull must still have
}

// Case is a system.
type Case struct {
	Judge  string // who judges the world; empty is refused
	System system.System
	New    func(t *testing.T, now time.Time) World
	// Credentials are those with which the world is read.
	Credentials map[string]string
	// IDs are the id of an object, and those of the parts that it shows.
	IDs func(o system.Object) []string
	// Tokens says that a refused token is renewed, once: a request more.
	Tokens bool
	// OneLine says that an invoice of the system has one line: Sell makes an invoice of each amount.
	OneLine  bool
	PageSize int
	// Sized reports whether a request asks for the largest page, or is not for a list.
	Sized func(request string) bool
	// Filters are parameters that would leave out what has not changed.
	Filters []string
	Limits  remote.Limits
	Secrets []string // that nothing may hold
	Golden  string   // file with the records of the story
}

// reader is a new reader of a world, as another process has one.
func (c Case) reader(t *testing.T, w World) system.Reader {
	t.Helper()
	r, err := c.System.Open(system.Connection{Credentials: c.Credentials, Transport: w, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Run runs the suite.
func Run(t *testing.T, c Case) {
	t.Helper()
	if c.Judge == "" {
		t.Fatal("The world has no judge: nobody but us says that it behaves like the system.")
	}
	for name, check := range map[string]func(*testing.T, Case){
		"each object once":         eachOnce,
		"long lists":               longLists,
		"killed after every page":  killed,
		"cursors":                  cursors,
		"changes during the scan":  changes,
		"calls that go wrong once": troubles,
		"shapes":                   shapes,
		"revoked":                  revoked,
		"limits":                   limits,
		"money":                    money,
		"unbalanced":               unbalanced,
		"pure":                     pure,
		"check":                    check,
		"story":                    story,
		"one customer":             oneCustomer,
		"settings":                 settings,
		"describes itself":         describesItself,
		"cursors of others":        cursorsOfOthers,
		"fails for good":           failsForGood,
		"odd objects":              oddObjects,
		"objects that are cut":     cutObjects,
		"paid":                     paid,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check(t, c)
		})
	}
}

// bed is a world and its reader, in virtual time.
type bed struct {
	Case

	world  World
	reader system.Reader
}

// inBed runs a test in virtual time. Afterwards the judge must be content.
func inBed(t *testing.T, c Case, test func(*testing.T, *bed)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		t.Helper()
		toOurTime()
		w := c.New(t, time.Now())
		test(t, &bed{Case: c, world: w, reader: c.reader(t, w)})
		for _, v := range w.Judged() {
			t.Errorf("%s: %v", c.Judge, v)
		}
	})
}

// toOurTime waits until 2026: virtual time begins in 2000, before there were such systems.
func toOurTime() { time.Sleep(time.Until(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))) }

// start is the first cursor of a pull that begins after everything that is there.
func (b *bed) start() json.RawMessage { return b.reader.Begin(time.Now().AddDate(1, 0, 0), "") }

// pull reads the world from a cursor to its end.
func (b *bed) pull(ctx context.Context, cursor json.RawMessage) (objects []system.Object, err error) {
	objects, _, err = b.pullTo(ctx, cursor)
	return objects, err
}

// pullTo is pull; it also returns the cursor of the page that could not be read.
func (b *bed) pullTo(ctx context.Context, cursor json.RawMessage) (objects []system.Object, at json.RawMessage, err error) {
	for {
		p, err := b.reader.Page(ctx, cursor)
		if err != nil {
			return objects, cursor, err
		}
		objects = append(objects, p.Objects...)
		if cursor = p.Next; p.Done {
			return objects, cursor, nil
		}
	}
}

// whole is pull for a world that answers.
func (b *bed) whole(t *testing.T) []system.Object {
	t.Helper()
	objects, err := b.pull(t.Context(), b.start())
	if err != nil {
		t.Fatal(err)
	}
	return objects
}

// rows writes records as an import reads them. Every row must be one that an import takes.
func rows(t *testing.T, all []billing.Record) string {
	t.Helper()
	var text []byte
	for _, r := range all {
		w, err := records.Format{}.Writer(r.Dataset())
		if err != nil {
			t.Fatal(err)
		}
		text = w.Append(text, r)
	}
	return string(text)
}
