package puller

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"reseed/pkg/credentials"
	"reseed/pkg/fault"
	"reseed/pkg/source/system"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// Connection is what a person says to connect a source with an account of a billing system.
type Connection struct {
	System        string            `json:"system"`
	Place         string            `json:"place,omitempty"` // empty: the first of the system
	Credentials   map[string]string `json:"credentials"`
	Mapping       *system.Settings  `json:"mapping,omitempty"`       // nil: as it is
	Subscriptions *[]string         `json:"subscriptions,omitempty"` // nil: as they are
}

// Codes of errors.
const (
	CodeNoSystem     = "no_such_system"
	CodeElsewhere    = "connected_elsewhere" // the source pulls from something else
	CodeOtherAccount = "other_account"       // the credentials are those of another account
	CodeNotConnected = "not_connected"       // the source pulls from no billing system
	CodeNoVault      = "no_vault"
)

// checkTime is how long a check takes at most: somebody waits for it.
const checkTime = 20 * time.Second

// keepTime is how long storing takes at most.
const keepTime = 10 * time.Second

// Check finds out whose credentials they are, and whether they may read all that is pulled. Nothing is
// stored. The error is fault.Invalid if people can do something about the credentials; its Param
// is then the name of the credential, place, or credentials.
func (p *Puller) Check(ctx context.Context, c Connection) (system.Account, error) {
	sys, err := p.system(c.System)
	if err != nil {
		return system.Account{}, err
	}
	return p.check(ctx, sys, c)
}

func (p *Puller) check(ctx context.Context, sys system.System, c Connection) (system.Account, error) {
	if err := checkConnection(sys, c); err != nil {
		return system.Account{}, err
	}
	r, err := p.open(sys, c)
	if err != nil {
		return system.Account{}, asInput(err)
	}
	limited, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	a, err := r.Check(limited)
	if ctx.Err() == nil && limited.Err() != nil {
		return a, fault.Newf(fault.Conflict, "system_slow", "%s has not answered in time. Nothing was stored; try again later.", sys.Name())
	}
	return a, asInput(err)
}

// open makes a reader for a connection.
func (p *Puller) open(sys system.System, c Connection) (system.Reader, error) {
	to := system.Connection{Credentials: c.Credentials, Place: c.Place, Now: p.c.Now}
	if c.Subscriptions != nil {
		to.Subscriptions = *c.Subscriptions
	}
	if p.c.Base != nil {
		to.Base = p.c.Base(sys.Name())
	}
	return sys.Open(to)
}

// asInput is the error of a billing system as one of the connection that somebody has given: a key that the
// system refuses is a mistake in the request to us.
func asInput(err error) error {
	e, ok := errors.AsType[*fault.Error](err)
	if !ok {
		return err
	}
	as := &fault.Error{Kind: fault.Invalid, Code: e.Code, Param: e.Param, Message: err.Error()}
	switch {
	case e.Kind == fault.Unavailable, e.Kind == fault.Busy:
		as.Kind = fault.Conflict
	case as.Param == "":
		as.Param = "credentials"
	}
	return as
}

// system finds a billing system by its name.
func (p *Puller) system(name string) (system.System, error) {
	if p.c.System != nil {
		if sys, ok := p.c.System(name); ok {
			return sys, nil
		}
	}
	return nil, &fault.Error{Kind: fault.Invalid, Code: CodeNoSystem, Param: "system", Message: "There is no such billing system to connect."}
}

// checkConnection refuses what no call is needed for.
func checkConnection(sys system.System, c Connection) error {
	var names []string
	for _, ask := range sys.Asks() {
		if names = append(names, ask.Name); strings.TrimSpace(c.Credentials[ask.Name]) == "" {
			return &fault.Error{Kind: fault.Invalid, Code: "credential_missing", Param: ask.Name, Message: sys.Name() + " needs it. " + ask.Help}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Credentials)) {
		if !slices.Contains(names, name) { // the name may be a secret
			return &fault.Error{Kind: fault.Invalid, Code: "credential_unknown", Param: "credentials", Message: sys.Name() + " asks for nothing but: " + strings.Join(names, ", ") + "."}
		}
	}
	if err := checkPlace(sys, c.Place); err != nil {
		return err
	}
	if c.Subscriptions != nil {
		return checkSubscriptions(sys, *c.Subscriptions)
	}
	return nil
}

func checkPlace(sys system.System, place string) error {
	var names []string
	for _, at := range sys.Places() {
		if names = append(names, at.Name); at.Name == place {
			return nil
		}
	}
	if place == "" {
		return nil
	}
	message := "The credentials say where the account is."
	if len(names) > 0 {
		message = "An account is at one of: " + strings.Join(names, ", ") + "."
	}
	return &fault.Error{Kind: fault.Invalid, Code: "no_such_place", Param: "place", Message: sys.Name() + ": " + message}
}

// OptionSubscriptions is the word of [system.System.Options] for a system that takes ids of subscriptions.
const OptionSubscriptions = "subscriptions"

// MostSubscriptions is how many ids of subscriptions people may name: they are stored with the setting.
const MostSubscriptions = 5000

func checkSubscriptions(sys system.System, ids []string) error {
	refuse := func(message string) error {
		return &fault.Error{Kind: fault.Invalid, Code: "bad_subscriptions", Param: OptionSubscriptions, Message: message}
	}
	switch {
	case len(ids) > 0 && !slices.Contains(sys.Options(), OptionSubscriptions):
		return refuse(sys.Name() + " lists its subscriptions itself.")
	case len(ids) > MostSubscriptions:
		return refuse("There may be 5,000 ids.")
	}
	for _, id := range ids {
		if id == "" || len(id) > 64 || strings.ContainsFunc(id, func(c rune) bool { return c <= ' ' || c > '~' }) {
			return refuse("An id has 1 to 64 letters, digits and signs, such as I-BW452GLLEP1G.")
		}
	}
	return nil
}

// checkMapping refuses settings that a system does not have.
func checkMapping(sys system.System, m system.Settings) error {
	if m.Invoices != "" && !slices.Contains([]system.Counting{system.Paid, system.PartlyPaid, system.Issued}, m.Invoices) {
		return &fault.Error{Kind: fault.Invalid, Code: "bad_setting", Param: "invoices", Message: "Invoices count when they are paid, partly_paid or issued."}
	}
	has := sys.Options()
	for _, name := range slices.Sorted(maps.Keys(given(m))) {
		if !slices.Contains(has, name) {
			return &fault.Error{Kind: fault.Invalid, Code: "no_such_setting", Param: name, Message: sys.Name() + " has no such setting. It has: " + strings.Join(has, ", ") + "."}
		}
	}
	return nil
}

// given lists the settings that are not as they are by default, by their names in JSON.
func given(m system.Settings) map[string]bool {
	all := map[string]bool{
		"invoices": m.Invoices != "" && m.Invoices != system.Paid, "without_voided": m.WithoutVoided, "without_uncollectible": m.WithoutUncollectible,
		"without_refunded": m.WithoutRefunded, "deleted_customers": m.DeletedCustomers, "metered": m.Metered,
	}
	maps.DeleteFunc(all, func(_ string, is bool) bool { return !is })
	return all
}

// Connect connects a source with the account that the credentials belong to, or gives a source that is
// connected new credentials of the same account; it returns the account. Before anything is stored the
// account is checked, as [Puller.Check] does. The error is fault.Conflict, code [CodeOtherAccount] or
// [CodeElsewhere], if the source is connected with something else; fault.NotFound if it is gone.
//
// First the account is noted, with the remark that its credentials are missing; then the credentials
// are stored; then the remark goes. So of two that connect at the same time with different accounts one
// is refused before it stores anything, and no credentials are stored for a source that is erased.
func (p *Puller) Connect(ctx context.Context, source string, c Connection) (system.Account, error) {
	if p.c.Vault == nil {
		return system.Account{}, fault.New(fault.Internal, CodeNoVault, "this process keeps no credentials")
	}
	sys, err := p.system(c.System)
	if err != nil {
		return system.Account{}, err
	}
	if c.Mapping != nil {
		if err := checkMapping(sys, *c.Mapping); err != nil {
			return system.Account{}, err
		}
	}
	is, err := p.connected(ctx, sys, source)
	if err != nil {
		return system.Account{}, err
	}
	c = c.over(sys, is)
	a, err := p.check(ctx, sys, c)
	if err != nil {
		return a, err
	}
	return a, p.keep(ctx, sys, source, c, a)
}

// connected returns with which account a source is connected; nil if with none. The error says, before anything is asked of a
// system, that the source cannot pull from it.
func (p *Puller) connected(ctx context.Context, sys system.System, source string) (*System, error) {
	dir, err := p.c.Store.Directory(ctx)
	if err != nil {
		return nil, err
	}
	src, there := dir.ByUUID(source)
	if !there {
		return nil, errNoSource()
	}
	s, err := p.Setting(ctx, src.Tag)
	if err != nil && fault.CodeOf(err) != codeNone {
		return nil, err
	}
	return s.System, s.takes(sys)
}

// over is a connection whose place is that of the source, or else the first of the system, if it names none.
func (c Connection) over(sys system.System, is *System) Connection {
	if c.Place != "" {
		return c
	}
	if places := sys.Places(); len(places) > 0 {
		c.Place = places[0].Name
	}
	if is != nil {
		c.Place = is.Place
	}
	return c
}

// takes reports as an error if a source pulls from something else than a system.
func (s Setting) takes(sys system.System) error {
	switch {
	case s.Spreadsheet != "":
		return fault.New(fault.Conflict, CodeElsewhere, "This data source pulls from a spreadsheet. Make another data source for "+sys.Name()+".")
	case s.System != nil && s.System.Name != sys.Name():
		return fault.New(fault.Conflict, CodeElsewhere, "This data source pulls from "+s.System.Name+". Make another data source for "+sys.Name()+".")
	}
	return nil
}

// keep stores a connection that was checked. It goes on although the one who asks leaves.
func (p *Puller) keep(ctx context.Context, sys system.System, source string, c Connection, a system.Account) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), keepTime)
	defer cancel()
	const missing = "The credentials were not stored. Give them again."
	now := p.c.Now().UTC()
	err := p.store(ctx, source, func(s *Setting) error {
		if err := s.takes(sys); err != nil {
			return err
		}
		if s.System == nil {
			s.System = &System{Name: sys.Name(), Account: a, Place: c.Place, Refused: missing, RefusedAt: now}
		}
		return s.System.isOf(a)
	})
	if err != nil {
		return err
	}
	if err := p.c.Vault.Put(ctx, source, c.Credentials); err != nil {
		return err
	}
	err = p.store(ctx, source, func(s *Setting) error {
		if s.System == nil {
			return errNoSource()
		}
		s.System.Place, s.System.Account, s.System.Given, s.System.Refused, s.System.RefusedAt, s.System.Disconnected = c.Place, a, now, "", time.Time{}, false
		s.System.set(c.Mapping, c.Subscriptions)
		return nil
	})
	if fault.Is(err, fault.NotFound) { // it was erased meanwhile
		return errors.Join(err, p.c.Vault.Delete(ctx, source))
	}
	return err
}

// Disconnect deletes the credentials of a source and ends its schedule. What was imported stays, and so does the account: only credentials of
// the same one connect the source again. First it is noted that they are gone, then they are deleted: done again, it does what is left.
func (p *Puller) Disconnect(ctx context.Context, source string) (system.Account, error) {
	if p.c.Vault == nil {
		return system.Account{}, fault.New(fault.Internal, CodeNoVault, "this process keeps no credentials")
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), keepTime)
	defer cancel()
	var a system.Account
	err := p.store(ctx, source, func(s *Setting) error {
		if s.System == nil {
			return errNotConnected()
		}
		a, s.Every, s.Next = s.System.Account, 0, time.Time{}
		if !s.System.Disconnected {
			now := p.c.Now().UTC()
			s.System.Disconnected, s.System.Refused, s.System.RefusedAt, s.System.Given = true, disconnected, now, now
		}
		return nil
	})
	if err != nil {
		return a, err
	}
	return a, p.c.Vault.Delete(ctx, source)
}

// disconnected is what is said of a source without credentials that a person has taken away.
const disconnected = "Its credentials were taken away, so it is not synced any more. To go on, give it credentials of the same account."

func errDisconnected() error {
	return &fault.Error{Kind: fault.Conflict, Code: credentials.CodeNone, Param: "credentials", Message: "This data source is disconnected. " + disconnected}
}

// isOf refuses credentials of another account than the one that a source was connected with.
func (s *System) isOf(a system.Account) error {
	if s.Account.ID == a.ID && s.Account.Live == a.Live {
		return nil
	}
	return fault.New(fault.Conflict, CodeOtherAccount, "These credentials are those of "+Whose(s.Name, a)+". This data source is connected with "+Whose(s.Name, s.Account)+", and stays so. Make another data source for the other account.")
}

// Whose names an account for people, such as: the Stripe account Acme (acct_1), test mode.
func Whose(sys string, a system.Account) string {
	text := "the " + sys + " account " + a.ID
	if a.Name != "" && a.Name != a.ID {
		text = "the " + sys + " account " + a.Name + " (" + a.ID + ")"
	}
	if !a.Live {
		text += ", test mode"
	}
	return text
}

func (s *System) set(m *system.Settings, subscriptions *[]string) {
	if m != nil {
		s.Mapping = *m
	}
	if subscriptions != nil {
		s.Subscriptions = slices.Clone(*subscriptions)
	}
}

// store changes what a source pulls from, in one transaction with the directory.
func (p *Puller) store(ctx context.Context, source string, change func(*Setting) error) error {
	_, err := p.c.Store.ChangeDirectory(ctx, func(d *store.Directory) ([]table.Write, error) {
		src, there := d.ByUUID(source)
		if !there {
			return nil, errNoSource()
		}
		s, err := p.Setting(ctx, src.Tag)
		if err != nil && fault.CodeOf(err) != codeNone {
			return nil, err
		}
		if err := change(&s); err != nil {
			return nil, err
		}
		d.SetPulls(src.Tag)
		w, err := s.write(src.Tag)
		return []table.Write{w}, err
	})
	return err
}

// Mapping is a change of what the objects of a billing system become. What is nil stays.
type Mapping struct {
	Settings      func(*system.Settings) // may be called several times
	Subscriptions *[]string
}

// SetMapping changes what the objects of a source's billing system become, from the next pull or reprocessing on. The error
// is fault.Conflict, code [CodeNotConnected], if the source pulls from none.
func (p *Puller) SetMapping(ctx context.Context, source string, m Mapping) error {
	return p.store(ctx, source, func(s *Setting) error {
		if s.System == nil {
			return errNotConnected()
		}
		sys, err := p.system(s.System.Name)
		if err != nil {
			return err
		}
		mapping := s.System.Mapping
		if m.Settings != nil {
			m.Settings(&mapping)
			if err := checkMapping(sys, mapping); err != nil {
				return err
			}
		}
		if m.Subscriptions != nil {
			if err := checkSubscriptions(sys, *m.Subscriptions); err != nil {
				return err
			}
		}
		s.System.set(&mapping, m.Subscriptions)
		return nil
	})
}

func errNotConnected() error {
	return fault.New(fault.Conflict, CodeNotConnected, "This data source is not connected to a billing system. Connect it: reseed sources set NAME --system SYSTEM --credentials FILE.")
}

// Recheck checks the credentials that are stored for a source. If the billing system refuses them, the source says so from
// then on; if it takes them, no longer.
func (p *Puller) Recheck(ctx context.Context, source string) (system.Account, error) {
	if p.c.Vault == nil {
		return system.Account{}, fault.New(fault.Internal, CodeNoVault, "this process keeps no credentials")
	}
	dir, err := p.c.Store.Directory(ctx)
	if err != nil {
		return system.Account{}, err
	}
	src, there := dir.ByUUID(source)
	if !there {
		return system.Account{}, errNoSource()
	}
	s, err := p.Setting(ctx, src.Tag)
	switch {
	case fault.CodeOf(err) == codeNone, err == nil && s.System == nil:
		return system.Account{}, errNotConnected()
	case err != nil:
		return system.Account{}, err
	case s.System.Disconnected:
		return system.Account{}, asInput(errDisconnected())
	}
	a, err := p.checkStored(ctx, source, *s.System)
	if err != nil && !fault.Is(err, fault.Invalid) { // nothing is known
		return a, err
	}
	return a, errors.Join(err, p.remark(ctx, source, *s.System, err))
}

func (p *Puller) checkStored(ctx context.Context, source string, s System) (system.Account, error) {
	sys, err := p.system(s.Name)
	if err != nil {
		return system.Account{}, err
	}
	kept, err := p.c.Vault.Get(ctx, source)
	if fault.Is(err, fault.NotFound) {
		return system.Account{}, &fault.Error{Kind: fault.Invalid, Code: fault.CodeOf(err), Param: "credentials", Message: err.Error()}
	}
	if err != nil {
		return system.Account{}, err
	}
	a, err := p.check(ctx, sys, Connection{System: s.Name, Place: s.Place, Credentials: kept, Subscriptions: &s.Subscriptions})
	if err != nil {
		return a, err
	}
	if err := s.isOf(a); err != nil {
		return a, &fault.Error{Kind: fault.Invalid, Code: CodeOtherAccount, Param: "credentials", Message: err.Error()}
	}
	return a, nil
}

// remark notes why the credentials that a source had were refused; nil: they were not. If the source has others by now nothing
// is noted.
func (p *Puller) remark(ctx context.Context, source string, had System, refused error) error {
	return p.store(ctx, source, func(s *Setting) error {
		switch {
		case s.System == nil:
			return errNotConnected()
		case !s.System.Given.Equal(had.Given):
			return nil
		case refused == nil:
			s.System.Refused, s.System.RefusedAt = "", time.Time{}
		case s.System.Refused == "":
			s.System.RefusedAt = p.c.Now().UTC()
			fallthrough
		default:
			s.System.Refused = refused.Error()
		}
		return nil
	})
}
