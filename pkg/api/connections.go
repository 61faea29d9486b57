package api

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"reseed/pkg/api/wire"
	"reseed/pkg/fault"
	"reseed/pkg/httpapi"
	"reseed/pkg/puller"
	"reseed/pkg/source/system"
	"reseed/pkg/store"
)

// listSystems is GET /v1/systems: the billing systems that can be connected, and what each asks for.
func listSystems(c *call) (httpapi.Reply, error) {
	w := wire.Systems{Systems: make([]wire.System, 0, len(c.Systems))}
	for _, s := range c.Systems {
		w.Systems = append(w.Systems, wireOfSystem(s))
	}
	return httpapi.Reply{Status: http.StatusOK, Body: w}, nil
}

func wireOfSystem(s system.System) wire.System {
	w := wire.System{Name: s.Name(), Asks: []wire.Ask{}, Places: []string{}, Options: append([]string{}, s.Options()...)}
	for _, a := range s.Asks() {
		w.Asks = append(w.Asks, wire.Ask(a))
	}
	for _, p := range s.Places() {
		w.Places = append(w.Places, p.Name)
	}
	return w
}

// checkCredentials is POST /v1/systems/:name/check: whose credentials they are. Nothing is stored.
func checkCredentials(c *call) (httpapi.Reply, error) {
	f, err := c.Fields()
	if err != nil {
		return httpapi.Reply{}, err
	}
	f.Only("place", "credentials", "subscriptions")
	with := connectionOf(f)
	if err := f.Refused(); err != nil {
		return httpapi.Reply{}, err
	}
	with.System = c.PathValue("name")
	a, err := c.Syncs.Order(c.Context(), puller.Order{Do: puller.ToCheck, Connection: with})
	if fault.CodeOf(err) == puller.CodeNoSystem {
		err = httpapi.Absent("System")
	}
	return httpapi.Reply{Status: http.StatusOK, Body: wire.Checked{Account: wire.Account(a)}}, err
}

// connectionOf reads a connection, without its settings. Errors name members, never what is in them.
func connectionOf(f *httpapi.Fields) puller.Connection {
	to := puller.Connection{System: f.Text("system"), Place: f.Text("place"), Credentials: map[string]string{}, Subscriptions: subscriptionsOf(f)}
	if f.Value("credentials") == nil {
		f.Fail("credentials", httpapi.TextBlank)
	}
	if of := f.Object("credentials"); of != nil {
		for name := range of.Raw {
			to.Credentials[name] = of.Limited(name, mostOfCredential)
		}
	}
	return to
}

// mostOfCredential is how many characters a credential has at most.
const mostOfCredential = 4096

// subscriptionsOf reads ids of subscriptions; nil if they are not given.
func subscriptionsOf(f *httpapi.Fields) *[]string {
	if !f.Has("subscriptions") {
		return nil
	}
	ids := append([]string{}, f.Texts("subscriptions", puller.MostSubscriptions)...)
	return &ids
}

// mappingOf reads settings: a function that changes what is given. nil if nothing is.
func mappingOf(f *httpapi.Fields) func(*system.Settings) {
	s := f.Object("settings")
	if s == nil {
		return nil
	}
	s.Only(append(slices.Sorted(maps.Keys(new(system.Settings).Truths())), "invoices")...)
	invoices := system.Counting(s.OneOf("invoices", string(system.Paid), string(system.PartlyPaid), string(system.Issued)))
	truths := map[string]bool{}
	for name := range s.Raw {
		if name != "invoices" {
			truths[name] = s.Truth(name)
		}
	}
	return func(to *system.Settings) {
		if s.Has("invoices") {
			to.Invoices = invoices
		}
		for name, at := range to.Truths() {
			if is, given := truths[name]; given {
				*at = is
			}
		}
	}
}

// getConnection is GET /v1/data_sources/:uuid/connection: the account that the source pulls from.
func getConnection(c *call) (httpapi.Reply, error) {
	src, err := c.source()
	if err != nil {
		return httpapi.Reply{}, err
	}
	s, err := c.Syncs.Status(c.Context(), src.Tag)
	if err != nil {
		return httpapi.Reply{}, err
	}
	w := c.wireOfConnection(s.System)
	if w == nil {
		return httpapi.Reply{}, fault.New(fault.Conflict, puller.CodeNotConnected, "This data source is not connected to a billing system.")
	}
	return httpapi.Reply{Status: http.StatusOK, Body: w}, nil
}

// connect is PUT /v1/data_sources/:uuid/connection: it connects the source with an account, or gives it new credentials of
// the same account. They are checked first.
func connect(c *call) (httpapi.Reply, error) {
	src, err := c.source()
	if err != nil {
		return httpapi.Reply{}, err
	}
	f, err := c.Fields()
	if err != nil {
		return httpapi.Reply{}, err
	}
	f.Only("system", "place", "credentials", "settings", "subscriptions")
	f.Given("system")
	with, mapping := connectionOf(f), mappingOf(f)
	if err := f.Refused(); err != nil {
		return httpapi.Reply{}, err
	}
	if mapping != nil {
		now, err := c.mappingNow(src.Tag)
		if err != nil {
			return httpapi.Reply{}, err
		}
		mapping(&now)
		with.Mapping = &now
	}
	if _, err := c.Syncs.Order(c.Context(), puller.Order{Do: puller.ToConnect, Source: src.UUID, Connection: with}); err != nil {
		return httpapi.Reply{}, withoutSource(err)
	}
	return getConnection(c)
}

// mappingNow is how a source maps its objects; the default if it is not connected.
func (c *call) mappingNow(tag store.Tag) (system.Settings, error) {
	s, err := c.Syncs.Status(c.Context(), tag)
	switch {
	case fault.Is(err, fault.Conflict), err == nil && s.System == nil:
		return system.Settings{}, nil
	case err != nil:
		return system.Settings{}, err
	}
	return s.System.Mapping, nil
}

// changeConnection is PATCH /v1/data_sources/:uuid/connection: what the objects of the system become. What is not given stays.
func changeConnection(c *call) (httpapi.Reply, error) {
	src, err := c.source()
	if err != nil {
		return httpapi.Reply{}, err
	}
	f, err := c.Fields()
	if err != nil {
		return httpapi.Reply{}, err
	}
	f.Only("settings", "subscriptions")
	m := puller.Mapping{Settings: mappingOf(f), Subscriptions: subscriptionsOf(f)}
	if err := f.Refused(); err != nil {
		return httpapi.Reply{}, err
	}
	if err := c.Syncs.SetMapping(c.Context(), src.UUID, m); err != nil {
		return httpapi.Reply{}, withoutSource(err)
	}
	return getConnection(c)
}

// checkConnection is POST /v1/data_sources/:uuid/connection/check: it checks the credentials that are stored.
func checkConnection(c *call) (httpapi.Reply, error) {
	src, err := c.source()
	if err != nil {
		return httpapi.Reply{}, err
	}
	f, err := c.FieldsIfAny()
	if err != nil {
		return httpapi.Reply{}, err
	}
	f.Only()
	if err := f.Refused(); err != nil {
		return httpapi.Reply{}, err
	}
	if _, err := c.Syncs.Order(c.Context(), puller.Order{Do: puller.ToRecheck, Source: src.UUID}); err != nil {
		return httpapi.Reply{}, withoutSource(err)
	}
	return getConnection(c)
}

// disconnect is DELETE /v1/data_sources/:uuid/connection: it takes the credentials away. What was imported stays.
func disconnect(c *call) (httpapi.Reply, error) {
	src, err := c.source()
	if err != nil {
		return httpapi.Reply{}, err
	}
	if _, err := c.Syncs.Order(c.Context(), puller.Order{Do: puller.ToDisconnect, Source: src.UUID}); err != nil {
		return httpapi.Reply{}, withoutSource(err)
	}
	return getConnection(c)
}

// wireOfConnection is what people may see of a connection; nil if there is none.
func (c *call) wireOfConnection(s *puller.System) *wire.Connection {
	if s == nil {
		return nil
	}
	w := &wire.Connection{
		System: s.Name, Place: s.Place, Account: wire.Account(s.Account), Settings: wireOfMapping(s.Mapping), Options: []string{}, Subscriptions: s.Subscriptions,
		Refused: s.Refused, Disconnected: s.Disconnected,
	}
	for _, sys := range c.Systems {
		if strings.EqualFold(sys.Name(), s.Name) {
			w.Options = append(w.Options, sys.Options()...)
		}
	}
	if s.Refused != "" {
		at := s.RefusedAt.UTC().Truncate(time.Second)
		w.RefusedAt = &at
	}
	return w
}

func wireOfMapping(m system.Settings) wire.Mapping {
	w := wire.Mapping{Invoices: string(cmp.Or(m.Invoices, system.Paid))}
	is := w.Truths()
	for name, on := range m.Truths() {
		*is[name] = *on
	}
	return w
}
