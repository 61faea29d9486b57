package console

import (
	"cmp"
	"slices"
	"strings"

	"reseed/pkg/api/client"
	"reseed/pkg/api/wire"
)

// connectForm asks for what connects a data source with an account of a billing system. Secrets that
// were typed are never in it.
type connectForm struct {
	System   wire.System
	Fields   []formField // the credentials
	Place    formChoice  // without options if the credentials say it
	IDs      formField   // of subscriptions
	TakesIDs bool
	Problem  string // with none of the fields
}

// credentialField is the name of the field of a credential.
func credentialField(name string) string { return "credential_" + name }

func connectFormOf(s wire.System) connectForm {
	f := connectForm{System: s, TakesIDs: slices.Contains(s.Options, "subscriptions")}
	for _, a := range s.Asks {
		kind := "text"
		if a.Secret {
			kind = "password"
		}
		f.Fields = append(f.Fields, formField{Name: credentialField(a.Name), Label: a.Label, Hint: a.Help, Kind: kind, Required: true})
	}
	f.Place = formChoice{Name: "place", Label: "Where the account is"}
	for _, p := range s.Places {
		f.Place.Options = append(f.Place.Options, [2]string{p, p})
	}
	f.IDs = formField{Name: "subscriptions", Label: "Ids of subscriptions", Hint: "One a line, such as I-BW452GLLEP1G. Only those that " + s.Name + " does not list by itself are needed."}
	return f
}

// sent reads what was sent with the form.
func (f *connectForm) sent(v *visit) wire.Connect {
	with := wire.Connect{System: f.System.Name, Place: v.PostFormValue("place"), Credentials: map[string]string{}}
	for _, a := range f.System.Asks {
		with.Credentials[a.Name] = strings.TrimSpace(v.PostFormValue(credentialField(a.Name)))
	}
	if f.TakesIDs {
		ids := append([]string{}, strings.Fields(v.PostFormValue("subscriptions"))...)
		with.Subscriptions = &ids
	}
	return with
}

// refuse shows the form again with what is wrong. Secrets have to be typed again.
func (f *connectForm) refuse(v *visit, e *client.Error) {
	f.Place.Value, f.IDs.Value = v.PostFormValue("place"), v.PostFormValue("subscriptions")
	problems := map[string]*string{"place": &f.Place.Problem, "subscriptions": &f.IDs.Problem}
	for i, a := range f.System.Asks {
		problems[a.Name] = &f.Fields[i].Problem
		if !a.Secret {
			f.Fields[i].Value = v.PostFormValue(f.Fields[i].Name)
		}
	}
	if f.Problem = e.Message; len(e.Fields) == 0 {
		return
	}
	f.Problem = ""
	for name, text := range e.Fields {
		if at := problems[name]; at != nil {
			*at = text
		} else {
			f.Problem = text
		}
	}
}

type newSystemPage struct {
	base
	Connect connectForm
	Name    formField
}

// newSystemPage is the page of the billing system that the path names; ok is false if there is none.
func (v *visit) newSystemPage() (p newSystemPage, ok bool, err error) {
	list, err := v.client.Systems(v.ctx())
	if err != nil {
		return p, false, err
	}
	at := slices.IndexFunc(list, func(s wire.System) bool { return strings.EqualFold(s.Name, v.PathValue("system")) })
	if at < 0 {
		return p, false, nil
	}
	return newSystemPage{
		base: v.base("Add a data source: "+list[at].Name, "sources"), Connect: connectFormOf(list[at]),
		Name: formField{Name: "name", Label: "Name", Hint: "People see it in every list.", Kind: "text", Most: 255, Value: strings.TrimSpace(v.PostFormValue("name")), Required: true},
	}, true, nil
}

// showNewSystem is GET /sources/new/systems/{system}.
func (c *Console) showNewSystem(v *visit) (answer, error) {
	p, ok, err := v.newSystemPage()
	if err == nil && !ok {
		return c.unknown(v)
	}
	return show("newsystem", p), err
}

// addSystem is POST /sources/new/systems/{system}: it checks the credentials, makes the data source, and connects it.
func (c *Console) addSystem(v *visit) (answer, error) {
	p, ok, err := v.newSystemPage()
	switch {
	case err != nil:
		return answer{}, err
	case !ok:
		return c.unknown(v)
	}
	with := p.Connect.sent(v)
	if err = v.nameIsFree(&p.Name); err == nil && p.Name.Problem == "" {
		_, err = v.client.CheckCredentials(v.ctx(), with.System, wire.Connect{Place: with.Place, Credentials: with.Credentials, Subscriptions: with.Subscriptions})
	}
	if e := refusedBy(err); e != nil || p.Name.Problem != "" {
		p.Connect.refuse(v, cmp.Or(e, &client.Error{}))
		return refuse("newsystem", p), nil
	}
	if err != nil {
		return answer{}, err
	}
	s, err := v.client.AddSource(v.ctx(), p.Name.Value, with.System)
	if e := refusedBy(err); e != nil {
		p.Name.Problem = problemOf(e)
		p.Connect.refuse(v, &client.Error{})
		return refuse("newsystem", p), nil
	}
	if err != nil {
		return answer{}, err
	}
	_, err = v.client.Connect(v.ctx(), s.UUID, with)
	to := "settings?saved=connected"
	if refusedBy(err) != nil { // since the check; the page asks again
		to, err = "settings", nil
	}
	return goTo(sourcePath(s.UUID, to)), err
}

// nameIsFree looks whether a data source may have a name, before secrets are typed in vain.
func (v *visit) nameIsFree(name *formField) error {
	if name.Value == "" {
		name.Problem = "Give the data source a name, such as that of the system or of the team."
		return nil
	}
	list, err := v.client.SourcesNamed(v.ctx(), name.Value)
	if len(list) > 0 {
		name.Problem = "There is a data source of that name already. Give this one another name."
	}
	return err
}
