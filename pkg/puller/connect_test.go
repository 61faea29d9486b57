package puller_test

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"reseed/internal/systemtest"
	"reseed/pkg/app"
	"reseed/pkg/credentials"
	"reseed/pkg/eraser"
	"reseed/pkg/fault"
	"reseed/pkg/importer"
	"reseed/pkg/objects"
	"reseed/pkg/puller"
	"reseed/pkg/source/system"
	"reseed/pkg/store"
	"reseed/pkg/table"
	"reseed/pkg/table/mem"
)

// Secrets of two accounts. Both stand for what no error and no item may hold.
const (
	secretA, secretA2, secretB = "s3cret-a-Bystander", "s3cret-a2-Bystander", "s3cret-b-Bystander"
)

// office is a process, a billing system with two accounts, and two sources.
type office struct {
	*app.App
	t      *testing.T
	db     *mem.Driver
	system *systemtest.Ledgerly
	vault  *watchedVault
	src    store.Source
	other  store.Source
	now    time.Time
	sweeps []app.Sweep
	fail   func(done bool) error // of calls of the table
}

// watchedVault fails if it is told to.
type watchedVault struct {
	credentials.Vault

	before func(ctx context.Context, source string) error // each Put
	read   func()                                         // after each Get
}

func (v *watchedVault) Get(ctx context.Context, source string) (map[string]string, error) {
	c, err := v.Vault.Get(ctx, source)
	if v.read != nil {
		v.read()
	}
	return c, err
}

func (v *watchedVault) Put(ctx context.Context, source string, c map[string]string) error {
	if v.before != nil {
		if err := v.before(ctx, source); err != nil {
			return err
		}
	}
	return v.Vault.Put(ctx, source, c)
}

func newOffice(t *testing.T) *office {
	t.Helper()
	a := system.Account{ID: "acct_a", Name: "Acme", Live: true}
	o := &office{t: t, now: time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC), system: systemtest.New(map[string]system.Account{
		secretA: a, secretA2: a, secretB: {ID: "acct_b"},
	})}
	call := func(done bool) func(mem.Op, int) error {
		return func(mem.Op, int) error {
			if o.fail == nil {
				return nil
			}
			return o.fail(done)
		}
	}
	o.db = mem.New(mem.Options{Before: call(false), After: call(true)})
	o.vault = &watchedVault{Vault: credentials.NewFolder(filepath.Join(t.TempDir(), "credentials"))}
	o.App = app.New(app.Config{
		Store: store.New(o.db), Objects: objects.Mem(), Now: func() time.Time { return o.now }, Log: slog.New(slog.DiscardHandler),
		Imports: func(context.Context, ...importer.Message) error { return nil },
		Sweeps:  func(_ context.Context, m ...app.Sweep) error { o.sweeps = append(o.sweeps, m...); return nil },
		Pulls:   func(context.Context, ...puller.Message) error { return nil },
		System:  o.system.Find, Vault: o.vault, Base: func(string) string { return "http://127.0.0.1:1" }, Grace: time.Hour,
	})
	for name, src := range map[string]*store.Source{"Ledger": &o.src, "Bystander": &o.other} {
		_, err := o.Store.ChangeDirectory(t.Context(), func(d *store.Directory) (_ []table.Write, err error) {
			*src, err = d.Add("ds_"+uuid.NewString(), name, systemtest.Name, o.now)
			return nil, err
		})
		must(t, err)
	}
	_, err := o.Puller.Connect(t.Context(), o.other.UUID, with(secretB))
	must(t, err)
	return o
}

func with(secret string) puller.Connection {
	return puller.Connection{System: "ledgerly", Credentials: map[string]string{"user": "ann", "secret": secret}}
}

// kept is the secret that is stored for a source; empty if there is none.
func (o *office) kept(src store.Source) string {
	o.t.Helper()
	c, err := o.vault.Get(o.t.Context(), src.UUID)
	if err != nil && !fault.Is(err, fault.NotFound) {
		o.t.Fatal(err)
	}
	return c["secret"]
}

// connection is what the source pulls from; nil if nothing.
func (o *office) connection() *puller.System {
	o.t.Helper()
	s, err := o.Puller.Setting(o.t.Context(), o.src.Tag)
	if fault.CodeOf(err) == "no_spreadsheet" {
		return nil
	}
	must(o.t, err)
	return s.System
}

// bystander checks that the other source is as it was, and that no item holds a secret.
func (o *office) bystander() {
	o.t.Helper()
	s, err := o.Puller.Setting(o.t.Context(), o.other.Tag)
	must(o.t, err)
	same(o.t, "the other account", system.Account{ID: "acct_b"}, s.System.Account)
	same(o.t, "its secret", secretB, o.kept(o.other))
	for item, err := range o.Store.Items(o.t.Context(), table.Query{PK: store.PullsPK, From: "", To: "~"}) {
		must(o.t, err)
		if strings.Contains(item.Attrs.Str("body"), "cret-") {
			o.t.Errorf("%v holds a secret", item.Key)
		}
	}
}

// refused checks an error of a kind, with a code, about a parameter.
func refused(t *testing.T, err error, kind fault.Kind, code, param string) {
	t.Helper()
	e, ok := errors.AsType[*fault.Error](err)
	if !ok || e.Kind != kind || e.Code != code || e.Param != param || strings.Contains(err.Error(), "cret-") {
		t.Errorf("%#v, %v; want %s %s %q", e, err, kind, code, param)
	}
}

func TestConnect(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	a, err := o.Puller.Check(t.Context(), with(secretA))
	must(t, err)
	same(t, "account", system.Account{ID: "acct_a", Name: "Acme", Live: true}, a)
	if o.connection() != nil || o.kept(o.src) != "" {
		t.Error("a check stores something")
	}
	c := with(secretA)
	c.Mapping = &system.Settings{Invoices: system.Issued, DeletedCustomers: true}
	ids := []string{"I-1"}
	c.Subscriptions = &ids
	a, err = o.Puller.Connect(t.Context(), o.src.UUID, c)
	must(t, err)
	same(t, "what is stored", &puller.System{Name: systemtest.Name, Place: "US", Account: a, Mapping: *c.Mapping, Subscriptions: ids, Given: o.now}, o.connection())
	same(t, "secret", secretA, o.kept(o.src))
	same(t, "address", "http://127.0.0.1:1", o.system.Opened().Base)
	same(t, "ids", ids, o.system.Opened().Subscriptions)

	// other credentials of the same account, and another place
	c = with(secretA2)
	c.Place = "EU"
	_, err = o.Puller.Connect(t.Context(), o.src.UUID, c)
	must(t, err)
	same(t, "what is stored", &puller.System{Name: systemtest.Name, Place: "EU", Account: a, Mapping: system.Settings{Invoices: system.Issued, DeletedCustomers: true}, Subscriptions: ids, Given: o.now}, o.connection())
	_, err = o.Puller.Connect(t.Context(), o.src.UUID, with(secretA))
	must(t, err)
	if o.system.Opened().Place != "EU" || o.connection().Place != "EU" || o.kept(o.src) != secretA {
		t.Errorf("the place is not kept: %+v", o.connection())
	}
	o.bystander()
}

func TestConnectRefuses(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	checks := o.system.Checks()
	change := func(f func(*puller.Connection)) puller.Connection { c := with(secretA); f(&c); return c }
	for _, tt := range []struct {
		c           puller.Connection
		code, param string
	}{
		{change(func(c *puller.Connection) { c.System = "Ledger" }), puller.CodeNoSystem, "system"},
		{change(func(c *puller.Connection) { c.Credentials = nil }), "credential_missing", "user"},
		{change(func(c *puller.Connection) { c.Credentials["secret"] = " " }), "credential_missing", "secret"},
		{change(func(c *puller.Connection) { c.Credentials[secretB] = "x" }), "credential_unknown", "credentials"},
		{change(func(c *puller.Connection) { c.Credentials["user"] = "a b" }), "not_a_user", "user"},
		{change(func(c *puller.Connection) { c.Place = "eu" }), "no_such_place", "place"},
		{change(func(c *puller.Connection) { c.Mapping = &system.Settings{Metered: true} }), "no_such_setting", "metered"},
		{change(func(c *puller.Connection) { c.Mapping = &system.Settings{Invoices: "all"} }), "bad_setting", "invoices"},
		{change(func(c *puller.Connection) { c.Subscriptions = &[]string{"a b"} }), "bad_subscriptions", "subscriptions"},
	} {
		_, err := o.Puller.Connect(t.Context(), o.src.UUID, tt.c)
		refused(t, err, fault.Invalid, tt.code, tt.param)
	}
	if o.system.Checks() != checks {
		t.Error("the system was asked although nothing could come of it")
	}
	_, err := o.Puller.Connect(t.Context(), o.src.UUID, with("s3cret-unknown"))
	refused(t, err, fault.Invalid, "system_refused_key", "credentials")
	o.system.Fail(fault.New(fault.Unavailable, "system_unreachable", "Ledgerly: it cannot be reached."))
	_, err = o.Puller.Connect(t.Context(), o.src.UUID, with(secretA))
	refused(t, err, fault.Conflict, "system_unreachable", "")
	o.system.Fail(nil)
	_, err = o.Puller.Connect(t.Context(), "ds_"+uuid.NewString(), with(secretA))
	refused(t, err, fault.NotFound, "source_not_found", "")
	if o.connection() != nil || o.kept(o.src) != "" {
		t.Error("something was stored")
	}
	o.bystander()
}

func TestTheAccountIsPinned(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	_, err := o.Puller.Connect(t.Context(), o.src.UUID, with(secretA))
	must(t, err)
	_, err = o.Puller.Connect(t.Context(), o.src.UUID, with(secretB))
	refused(t, err, fault.Conflict, puller.CodeOtherAccount, "")
	if !strings.Contains(err.Error(), "the Ledgerly account acct_b, test mode") || !strings.Contains(err.Error(), "Acme (acct_a)") {
		t.Error(err)
	}
	_, err = o.Puller.Set(t.Context(), o.src.Tag, puller.Change{Spreadsheet: new(sheetID)})
	refused(t, err, fault.Conflict, puller.CodeElsewhere, "")
	every := 6 * time.Hour
	_, err = o.Puller.Set(t.Context(), o.src.Tag, puller.Change{Every: &every})
	must(t, err)
	if o.connection().Account.ID != "acct_a" || o.kept(o.src) != secretA {
		t.Error("the account has changed")
	}
	o.bystander()
}

func TestASheetIsNoBillingSystem(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	_, err := o.Puller.Set(t.Context(), o.src.Tag, puller.Change{Spreadsheet: new(sheetID)})
	must(t, err)
	checks := o.system.Checks()
	_, err = o.Puller.Connect(t.Context(), o.src.UUID, with(secretA))
	refused(t, err, fault.Conflict, puller.CodeElsewhere, "")
	_, err = o.Puller.Recheck(t.Context(), o.src.UUID)
	refused(t, err, fault.Conflict, puller.CodeNotConnected, "")
	refused(t, o.Puller.SetMapping(t.Context(), o.src.UUID, puller.Mapping{Settings: func(*system.Settings) {}}), fault.Conflict, puller.CodeNotConnected, "")
	if o.system.Checks() != checks || o.kept(o.src) != "" {
		t.Error("something was asked or stored")
	}
}

// Two people connect one source with different accounts at the same time.
func TestTwoConnect(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	var wait sync.WaitGroup
	errs := make([]error, 2)
	for i, secret := range []string{secretA, secretB} {
		wait.Go(func() { _, errs[i] = o.Puller.Connect(context.Background(), o.src.UUID, with(secret)) })
	}
	wait.Wait()
	first := 0
	if errs[0] != nil {
		first = 1
	}
	must(t, errs[first])
	refused(t, errs[1-first], fault.Conflict, puller.CodeOtherAccount, "")
	want := [2]system.Account{{ID: "acct_a", Name: "Acme", Live: true}, {ID: "acct_b"}}[first]
	same(t, "account", want, o.connection().Account)
	same(t, "secret", [2]string{secretA, secretB}[first], o.kept(o.src))
	same(t, "remark", "", o.connection().Refused)
}

// A process dies at each call of the table in turn; then somebody connects the source again.
func TestConnectIsCut(t *testing.T) {
	t.Parallel()
	for cut := 0; ; cut++ {
		o, calls := newOffice(t), 0
		o.fail = func(bool) error {
			if calls++; calls > cut {
				return fault.New(fault.Unavailable, "dead", "the process is dead")
			}
			return nil
		}
		_, err := o.Puller.Connect(t.Context(), o.src.UUID, with(secretA))
		o.fail = nil
		c := o.connection()
		if claimed := c != nil && c.Refused == ""; (err == nil || claimed) && (!claimed || o.kept(o.src) != secretA) {
			t.Errorf("cut %d: %v, %+v", cut, err, c)
		}
		_, again := o.Puller.Connect(t.Context(), o.src.UUID, with(secretA2))
		must(t, again)
		if o.connection().Refused != "" || o.kept(o.src) != secretA2 {
			t.Errorf("cut %d: %+v", cut, o.connection())
		}
		o.bystander()
		if err == nil {
			return
		}
	}
}

func TestTheVaultFails(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.vault.before = func(context.Context, string) error { return fault.New(fault.Unavailable, "secrets", "no") }
	_, err := o.Puller.Connect(t.Context(), o.src.UUID, with(secretA))
	refused(t, err, fault.Unavailable, "secrets", "")
	if c := o.connection(); c.Refused == "" || !c.RefusedAt.Equal(o.now) {
		t.Errorf("the source does not say that its credentials are missing: %+v", c)
	}
	_, err = o.Puller.Recheck(t.Context(), o.src.UUID)
	refused(t, err, fault.Invalid, credentials.CodeNone, "credentials")
	o.vault.before = nil
	_, err = o.Puller.Connect(t.Context(), o.src.UUID, with(secretA))
	must(t, err)
	same(t, "remark", "", o.connection().Refused)
}

func TestRecheck(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	_, err := o.Puller.Connect(t.Context(), o.src.UUID, with(secretA))
	must(t, err)
	a, err := o.Puller.Recheck(t.Context(), o.src.UUID)
	must(t, err)
	same(t, "account", "acct_a", a.ID)
	o.system.Revoke(secretA)
	since := o.now
	for range 2 {
		_, err = o.Puller.Recheck(t.Context(), o.src.UUID)
		refused(t, err, fault.Invalid, "system_refused_key", "credentials")
		if c := o.connection(); c.Refused != err.Error() || !c.RefusedAt.Equal(since) {
			t.Errorf("%+v", c)
		}
		o.now = o.now.Add(time.Hour)
	}
	o.system.Fail(fault.New(fault.Unavailable, "system_unreachable", "Ledgerly: it cannot be reached."))
	_, err = o.Puller.Recheck(t.Context(), o.src.UUID)
	refused(t, err, fault.Conflict, "system_unreachable", "")
	if c := o.connection(); !strings.Contains(c.Refused, "refuses the key") {
		t.Errorf("a system out of reach says something about the key: %+v", c)
	}
	o.system.Fail(nil)
	_, err = o.Puller.Connect(t.Context(), o.src.UUID, with(secretA2))
	must(t, err)
	_, err = o.Puller.Recheck(t.Context(), o.src.UUID)
	must(t, err)
	if c := o.connection(); c.Refused != "" || !c.RefusedAt.IsZero() {
		t.Errorf("%+v", c)
	}
	o.bystander()
}

// Credentials are taken away: what the source has stays, and so do its account and settings, but no pull begins, by a schedule or otherwise, until
// it has credentials of the same account. A process that is killed on the way leaves nothing that a repetition does not mend.
func TestDisconnect(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	_, err := o.Puller.Disconnect(t.Context(), o.src.UUID)
	refused(t, err, fault.Conflict, puller.CodeNotConnected, "")
	_, err = o.Puller.Connect(t.Context(), o.src.UUID, with(secretA))
	must(t, err)
	daily := 24 * time.Hour
	_, err = o.Puller.Set(t.Context(), o.src.Tag, puller.Change{Every: &daily})
	must(t, err)
	for _, done := range []bool{false, true} {
		o.fail = func(d bool) error {
			if d == done {
				return errKilled
			}
			return nil
		}
		if _, err = o.Puller.Disconnect(t.Context(), o.src.UUID); err == nil {
			t.Fatal("it went on without the table")
		}
		o.fail = nil
	}
	_, err = o.Puller.Disconnect(t.Context(), o.src.UUID)
	must(t, err)
	_, err = o.vault.Vault.Get(t.Context(), o.src.UUID)
	refused(t, err, fault.NotFound, credentials.CodeNone, "")
	if c := o.connection(); !c.Disconnected || c.Account.ID != "acct_a" || !strings.Contains(c.Refused, "taken away") {
		t.Errorf("%+v", c)
	}
	_, err = o.Puller.Start(t.Context(), o.src.UUID, puller.Request{})
	refused(t, err, fault.Conflict, credentials.CodeNone, "credentials")
	_, err = o.Puller.Set(t.Context(), o.src.Tag, puller.Change{Every: &daily})
	refused(t, err, fault.Conflict, credentials.CodeNone, "credentials")
	_, err = o.Puller.Recheck(t.Context(), o.src.UUID)
	refused(t, err, fault.Invalid, credentials.CodeNone, "credentials")
	o.now = o.now.Add(48 * time.Hour)
	must(t, o.Puller.Tick(t.Context()))
	_, err = o.Puller.Connect(t.Context(), o.src.UUID, with(secretB))
	refused(t, err, fault.Conflict, puller.CodeOtherAccount, "")
	_, err = o.Puller.Connect(t.Context(), o.src.UUID, with(secretA2))
	must(t, err)
	if c := o.connection(); c.Disconnected || c.Refused != "" {
		t.Errorf("%+v", c)
	}
	_, err = o.Puller.Start(t.Context(), o.src.UUID, puller.Request{})
	must(t, err)
	o.bystander()
}

// Somebody gives new credentials while the old ones are being checked. That those are refused says nothing of the new ones.
func TestNewCredentialsWhileOldOnesAreRefused(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	must(t, func() error { _, err := o.Puller.Connect(t.Context(), o.src.UUID, with(secretA)); return err }())
	o.system.Revoke(secretA)
	o.now = o.now.Add(time.Second)
	once := true
	o.vault.read = func() {
		if once {
			once = false
			must(t, func() error { _, err := o.Puller.Connect(t.Context(), o.src.UUID, with(secretA2)); return err }())
		}
	}
	_, err := o.Puller.Recheck(t.Context(), o.src.UUID)
	refused(t, err, fault.Invalid, "system_refused_key", "credentials")
	same(t, "remark", "", o.connection().Refused)
	_, err = o.Puller.Recheck(t.Context(), o.src.UUID)
	must(t, err)
	o.bystander()
}

func TestSetMapping(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	must(t, func() error { _, err := o.Puller.Connect(t.Context(), o.src.UUID, with(secretA)); return err }())
	checks := o.system.Checks()
	must(t, o.Puller.SetMapping(t.Context(), o.src.UUID, puller.Mapping{Settings: func(m *system.Settings) { m.WithoutVoided = true }}))
	must(t, o.Puller.SetMapping(t.Context(), o.src.UUID, puller.Mapping{Subscriptions: &[]string{"I-1", "I-2"}}))
	same(t, "settings", system.Settings{WithoutVoided: true}, o.connection().Mapping)
	same(t, "ids", []string{"I-1", "I-2"}, o.connection().Subscriptions)
	refused(t, o.Puller.SetMapping(t.Context(), o.src.UUID, puller.Mapping{Settings: func(m *system.Settings) { m.Metered = true }}), fault.Invalid, "no_such_setting", "metered")
	if o.system.Checks() != checks {
		t.Error("the system was asked")
	}
	o.bystander()
}

// The credentials of a source that is erased stay as long as it can be restored.
func TestAnEraseDeletesCredentials(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	must(t, func() error { _, err := o.Puller.Connect(t.Context(), o.src.UUID, with(secretA)); return err }())
	erase := func() {
		t.Helper()
		_, err := o.StartErase(t.Context(), eraser.Selection{Kind: eraser.Source, Source: o.src.UUID}, eraser.Options{})
		must(t, err)
	}
	erase()
	jobs, err := o.Ledger.Open(t.Context())
	must(t, err)
	must(t, o.Tick(t.Context()))
	same(t, "secret", secretA, o.kept(o.src))
	_, err = o.Eraser.Restore(t.Context(), jobs[0].ID, eraser.RestoreOptions{})
	must(t, err)
	_, err = o.Puller.Recheck(t.Context(), o.src.UUID)
	must(t, err)
	erase()
	o.now = o.now.Add(2 * time.Hour)
	must(t, o.Tick(t.Context()))
	for _, m := range o.sweeps {
		must(t, o.Sweep(t.Context(), m))
	}
	same(t, "secret", "", o.kept(o.src))
	_, err = o.Puller.Connect(t.Context(), o.src.UUID, with(secretA))
	refused(t, err, fault.NotFound, "source_not_found", "")
	o.bystander()
}

// The source is erased while its credentials are being stored.
func TestErasedWhileItIsConnected(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.vault.before = func(ctx context.Context, _ string) error {
		_, err := o.Store.ChangeDirectory(ctx, func(d *store.Directory) ([]table.Write, error) { d.Remove(o.src.UUID); return nil, nil })
		return err
	}
	_, err := o.Puller.Connect(t.Context(), o.src.UUID, with(secretA))
	refused(t, err, fault.NotFound, "source_not_found", "")
	same(t, "secret", "", o.kept(o.src))
}

func TestOrders(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	for _, order := range []puller.Order{
		{Do: puller.ToCheck, Connection: with(secretA)}, {Do: puller.ToConnect, Source: o.src.UUID, Connection: with(secretA)}, {Do: puller.ToRecheck, Source: o.src.UUID},
	} {
		begun, err := o.PullSource(t.Context(), app.PullInvocation{Order: &order})
		must(t, err)
		a, err := begun.Outcome.Result()
		must(t, err)
		same(t, string(order.Do), system.Account{ID: "acct_a", Name: "Acme", Live: true}, a)
	}
	begun, err := o.PullSource(t.Context(), app.PullInvocation{Order: &puller.Order{Do: puller.ToConnect, Source: o.src.UUID, Connection: with(secretB)}})
	must(t, err)
	_, err = begun.Outcome.Result()
	refused(t, err, fault.Conflict, puller.CodeOtherAccount, "")
	begun, err = o.PullSource(t.Context(), app.PullInvocation{Order: &puller.Order{Do: "read"}})
	must(t, err)
	_, err = begun.Outcome.Result()
	refused(t, err, fault.Internal, "order", "")
}
