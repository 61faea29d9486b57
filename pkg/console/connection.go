package console

import (
	"net/url"
	"slices"
	"strings"

	"reseed/pkg/api/client"
	"reseed/pkg/api/wire"
)

// connectionPart is the part of the settings of a data source about its billing system.
type connectionPart struct {
	Connect  *connectForm // nil if its system is no billing system
	Mapping  []mappingBox
	Invoices formChoice
	IDs      formField
	TakesIDs bool
	Problem  string // of the settings, with none of the fields
	Checked  string // what a check has found wrong
}

// mappingBox is a setting that is on or off.
type mappingBox struct {
	Name, Label string
	On          bool
}

// mappingBoxes are the settings of a connection that its system has.
func mappingBoxes(w wire.Connection) (list []mappingBox) {
	m := w.Settings
	for _, b := range []mappingBox{
		{"without_voided", "Leave out void invoices", m.WithoutVoided},
		{"without_uncollectible", "Leave out invoices that were written off", m.WithoutUncollectible},
		{"without_refunded", "Leave out invoices of which all was paid back", m.WithoutRefunded},
		{"deleted_customers", "Bring in customers that were deleted there", m.DeletedCustomers},
		{"metered", "Count what is billed by use as subscriptions, too", m.Metered},
	} {
		if slices.Contains(w.Options, b.Name) {
			list = append(list, b)
		}
	}
	return list
}

// countChoice is which invoices count; without options if the system has no such setting.
func countChoice(w wire.Connection) formChoice {
	ch := formChoice{Name: "invoices", Label: "Invoices count", Value: w.Settings.Invoices}
	if slices.Contains(w.Options, ch.Name) {
		ch.Options = [][2]string{{"paid", "when they are paid"}, {"partly_paid", "also when a part of them is paid"}, {"issued", "when they are issued"}}
	}
	return ch
}

// connectionPart reads what a page shows of the billing system of a data source.
func (v *visit) connectionPart(h sourceHead) (p connectionPart, err error) {
	if h.Pull != nil && h.Pull.Connection == nil { // a spreadsheet
		return p, nil
	}
	list, err := v.client.Systems(v.ctx())
	at := slices.IndexFunc(list, func(s wire.System) bool { return strings.EqualFold(s.Name, h.Source.System) })
	if h.Pull != nil {
		w := *h.Pull.Connection
		at = slices.IndexFunc(list, func(s wire.System) bool { return s.Name == w.System })
		p.Mapping, p.Invoices = mappingBoxes(w), countChoice(w)
		p.TakesIDs = slices.Contains(w.Options, "subscriptions")
		p.IDs = formField{Name: "subscriptions", Label: "Ids of subscriptions", Hint: "One a line: those that " + w.System + " does not list by itself.", Value: strings.Join(w.Subscriptions, "\n")}
	}
	if at >= 0 {
		f := connectFormOf(list[at])
		if h.Pull != nil { // its ids are settings
			f.TakesIDs, f.Place.Value = false, h.Pull.Connection.Place
		}
		p.Connect = &f
	}
	return p, err
}

// changeCredentials is POST /sources/{id}/settings/connection: it connects a data source whose system is a billing system, or
// gives it new credentials of the same account.
func (c *Console) changeCredentials(v *visit) (answer, error) {
	p, err := v.sourceSettingsPage()
	switch {
	case err != nil:
		return answer{}, err
	case p.Connect == nil:
		return c.unknown(v)
	}
	_, err = v.client.Connect(v.ctx(), v.PathValue("id"), p.Connect.sent(v))
	if e := refusedBy(err); e != nil {
		p.Connect.refuse(v, e)
		return refuse("sourcesettings", p), nil
	}
	return goTo(sourcePath(v.PathValue("id"), "settings?saved=connected")), err
}

// checkCredentials is POST /sources/{id}/settings/check: it has the billing system asked whether it takes the credentials.
func (c *Console) checkCredentials(v *visit) (answer, error) {
	_, err := v.client.CheckConnection(v.ctx(), v.PathValue("id"))
	e := refusedBy(err)
	if e == nil {
		return goTo(sourcePath(v.PathValue("id"), "settings?saved=checked")), err
	}
	p, err := v.sourceSettingsPage()
	p.Checked = e.Message
	for _, text := range e.Fields {
		p.Checked = text
	}
	return refuse("sourcesettings", p), err
}

// disconnect is POST /sources/{id}/settings/disconnect: it takes the credentials away, if the box is ticked that says so.
func (c *Console) disconnect(v *visit) (answer, error) {
	if v.PostFormValue("sure") == "" {
		p, err := v.sourceSettingsPage()
		return refuse("sourcesettings", p), err
	}
	_, err := v.client.Disconnect(v.ctx(), v.PathValue("id"))
	return goTo(sourcePath(v.PathValue("id"), "settings?saved=disconnected")), err
}

// changeMapping is POST /sources/{id}/settings/mapping: what the objects of the billing system become.
func (c *Console) changeMapping(v *visit) (answer, error) {
	p, err := v.sourceSettingsPage()
	if err != nil {
		return answer{}, err
	}
	change := wire.ConnectionChange{Settings: &wire.MappingChange{}}
	if p.Invoices.Options != nil {
		word := v.PostFormValue("invoices")
		change.Settings.Invoices = &word
	}
	for i := range p.Mapping {
		box := &p.Mapping[i]
		box.On = v.PostFormValue(box.Name) != ""
		*member(change.Settings, box.Name) = &box.On
	}
	if p.TakesIDs {
		ids := append([]string{}, strings.Fields(v.PostFormValue("subscriptions"))...)
		change.Subscriptions = &ids
	}
	_, err = v.client.ChangeConnection(v.ctx(), v.PathValue("id"), change)
	if e := refusedBy(err); e != nil {
		p.refuseMapping(v, e)
		return refuse("sourcesettings", p), nil
	}
	return goTo(sourcePath(v.PathValue("id"), "settings?saved=mapping")), err
}

func (p *connectionPart) refuseMapping(v *visit, e *client.Error) {
	p.IDs.Value, p.Problem = v.PostFormValue("subscriptions"), e.Message
	for name, text := range e.Fields {
		switch p.Problem = ""; name {
		case "subscriptions":
			p.IDs.Problem = text
		case "settings.invoices", "invoices":
			p.Invoices.Problem = text
		default:
			p.Problem = text
		}
	}
}

// member is a setting by its name.
func member(m *wire.MappingChange, name string) **bool {
	return map[string]**bool{
		"without_voided": &m.WithoutVoided, "without_uncollectible": &m.WithoutUncollectible, "without_refunded": &m.WithoutRefunded,
		"deleted_customers": &m.DeletedCustomers, "metered": &m.Metered,
	}[name]
}

// reprocess is POST /sources/{id}/reprocess: what the last re-sync has read is mapped again. It shows what would change before
// anything does.
func (c *Console) reprocess(v *visit) (answer, error) {
	return v.plan(v.PathValue("id"), wire.SyncOptions{Plan: true, Reprocess: true})
}

// resyncCustomer is POST /customers/{id}/resync: one of the records that make up the customer is read again from its billing system.
func (c *Console) resyncCustomer(v *visit) (answer, error) {
	all, err := v.members()
	if err != nil {
		return answer{}, err
	}
	at := slices.IndexFunc(all.Members, func(m wire.Member) bool { return m.ID == v.PostFormValue("part") })
	if at < 0 {
		return c.unknown(v)
	}
	m := all.Members[at]
	return v.plan(m.Source, wire.SyncOptions{Plan: true, Customer: m.ExternalID})
}

// plan begins a pull that shows what it would change. If one of the data source runs already, that one is shown.
func (v *visit) plan(source string, how wire.SyncOptions) (answer, error) {
	j, err := v.client.Sync(v.ctx(), source, how)
	if err == nil {
		return goTo("/jobs/" + url.PathEscape(j.ID)), nil
	}
	if client.IsConflict(err) {
		s, readErr := v.client.Syncs(v.ctx(), source)
		if readErr == nil && s.Latest != nil && !s.Latest.Status.Ended() {
			return goTo("/jobs/" + url.PathEscape(s.Latest.ID)), nil
		}
	}
	return answer{}, err
}

// connected lists the data sources of members that pull from a billing system, by uuid: the system's name.
func (v *visit) connected(members []wire.Member) (map[string]string, error) {
	found, seen := map[string]string{}, map[string]bool{}
	for _, m := range members {
		if seen[m.Source] {
			continue
		}
		seen[m.Source] = true
		w, err := v.client.Connection(v.ctx(), m.Source)
		switch {
		case client.IsConflict(err), client.IsNotFound(err): // it pulls from none, or was deleted just now
		case err != nil:
			return nil, err
		default:
			found[m.Source] = w.System
		}
	}
	return found, nil
}
