// Package systemtest is a billing system in process, for tests of what does not depend on which one it is: connecting,
// checking, and what people are shown.
package systemtest

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"time"

	"reseed/pkg/fault"
	"reseed/pkg/source/remote"
	"reseed/pkg/source/system"
)

// Name is what the system is called.
const Name = "Ledgerly"

// Ledgerly is the system. Its accounts are opened with a user and a secret. It is safe for concurrent use.
type Ledgerly struct {
	mu       sync.Mutex
	accounts map[string]system.Account // by secret
	down     error
	opened   []system.Connection
	checks   int
}

// New returns the system with accounts by secret.
func New(accounts map[string]system.Account) *Ledgerly { return &Ledgerly{accounts: accounts} }

// Fail makes all calls fail from now on; nil: no longer.
func (l *Ledgerly) Fail(err error) { l.mu.Lock(); defer l.mu.Unlock(); l.down = err }

// Revoke makes a secret useless.
func (l *Ledgerly) Revoke(secret string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.accounts, secret)
}

// Allow makes a secret one of an account.
func (l *Ledgerly) Allow(secret string, a system.Account) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.accounts[secret] = a
}

// Checks is how often an account was checked.
func (l *Ledgerly) Checks() int { l.mu.Lock(); defer l.mu.Unlock(); return l.checks }

// Opened returns the latest connection that a reader was made of.
func (l *Ledgerly) Opened() system.Connection {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.opened) == 0 {
		return system.Connection{}
	}
	return l.opened[len(l.opened)-1]
}

// Find is a lookup by name that knows this system alone.
func (l *Ledgerly) Find(name string) (system.System, bool) { return l, strings.EqualFold(name, Name) }

// Name implements [system.System].
func (*Ledgerly) Name() string { return Name }

// Asks implements [system.System].
func (*Ledgerly) Asks() []system.Ask {
	return []system.Ask{
		{Name: "user", Label: "User", Help: "Your user name."},
		{Name: "secret", Label: "API secret", Help: "Under Settings, API.", Secret: true},
	}
}

// Places implements [system.System].
func (*Ledgerly) Places() []system.Place {
	return []system.Place{{Name: "US", Address: "https://us.ledgerly.test"}, {Name: "EU", Address: "https://eu.ledgerly.test"}}
}

// Options implements [system.System].
func (*Ledgerly) Options() []string {
	return []string{"invoices", "without_voided", "deleted_customers", "subscriptions"}
}

// Open implements [system.System].
func (l *Ledgerly) Open(c system.Connection) (system.Reader, error) {
	if strings.Contains(c.Credentials["user"], " ") {
		return nil, &fault.Error{Kind: fault.Invalid, Code: "not_a_user", Param: "user", Message: "A user name has no spaces."}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.opened = append(l.opened, c)
	return &reader{l, c}, nil
}

// Reads implements [system.System].
func (*Ledgerly) Reads() map[system.Stream]system.Fields { return nil }

// BelongsTo implements [system.System].
func (*Ledgerly) BelongsTo(system.Object) (system.Belongs, error) { return system.Belongs{}, nil }

// MapCatalog implements [system.System].
func (*Ledgerly) MapCatalog([]system.Object, system.Settings) system.Mapped { return system.Mapped{} }

// Map implements [system.System].
func (*Ledgerly) Map([]system.Object, system.Settings) system.Mapped { return system.Mapped{} }

type reader struct {
	l *Ledgerly
	c system.Connection
}

// Check implements [system.Reader].
func (r *reader) Check(ctx context.Context) (system.Account, error) {
	r.l.mu.Lock()
	defer r.l.mu.Unlock()
	r.l.checks++
	if r.l.down != nil || ctx.Err() != nil {
		return system.Account{}, r.l.down
	}
	a, known := r.l.accounts[r.c.Credentials["secret"]]
	if !known {
		return a, fault.New(fault.Forbidden, remote.CodeAuth, "Ledgerly: it refuses the key. Give the data source a new one.")
	}
	return a, nil
}

// Begin implements [system.Reader].
func (*reader) Begin(time.Time, string) json.RawMessage { return json.RawMessage(`{}`) }

// Page implements [system.Reader]: there is nothing.
func (*reader) Page(context.Context, json.RawMessage) (system.Page, error) {
	return system.Page{Done: true}, nil
}

// Customer implements [system.Reader].
func (*reader) Customer(context.Context, string) (system.Object, bool, error) {
	return system.Object{}, false, nil
}
