package console

import (
	"net/http"
	"net/url"
	"strings"

	"reseed/pkg/api/wire"
)

type keysPage struct {
	base
	Keys    []wire.Key
	Made    *wire.Key // just now: the only page that shows the key itself
	Removed string    // just now
	Name    string    // in the form
	Problem string    // with the name
}

func (v *visit) keysPage() (keysPage, error) {
	list, err := v.client.Keys(v.ctx())
	return keysPage{base: v.base("API keys", "keys"), Keys: list, Removed: v.URL.Query().Get("removed")}, err
}

// listKeys is GET /keys.
func (c *Console) listKeys(v *visit) (answer, error) {
	p, err := v.keysPage()
	for _, k := range p.Keys {
		if k.Name == p.Removed {
			p.Removed = "" // there is one of that name again
		}
	}
	return show("keys", p), err
}

// addKey is POST /keys. Its answer shows the key: it can't be shown again.
func (c *Console) addKey(v *visit) (answer, error) {
	name := strings.TrimSpace(v.PostFormValue("name"))
	k, err := v.client.AddKey(v.ctx(), name)
	refused := refusedBy(err)
	if err != nil && refused == nil {
		return answer{}, err
	}
	p, err := v.keysPage()
	if err != nil {
		return answer{}, err
	}
	p.Path = "/keys" // where other forms lead back to
	if refused != nil {
		p.Name, p.Problem = name, problemOf(refused)
		return refuse("keys", p), nil
	}
	p.Made = &k
	return answer{status: http.StatusCreated, page: "keys", data: p}, nil
}

type removeKeyPage struct {
	base
	Key     *wire.Key // nil: it is gone
	Name    string
	Problem string
}

// showRemoveKey is GET /keys/remove: what the removal of a key means.
func (c *Console) showRemoveKey(v *visit) (answer, error) {
	p, err := v.removeKeyPage(v.URL.Query().Get("name"))
	return show("removekey", p), err
}

func (v *visit) removeKeyPage(name string) (removeKeyPage, error) {
	p := removeKeyPage{base: v.base("Remove an API key", "keys"), Name: name}
	list, err := v.client.Keys(v.ctx())
	for i := range list {
		if list[i].Name == name {
			p.Key = &list[i]
		}
	}
	return p, err
}

// removeKey is POST /keys/remove.
func (c *Console) removeKey(v *visit) (answer, error) {
	name := v.PostFormValue("name")
	p, err := v.removeKeyPage(name)
	if err != nil {
		return answer{}, err
	}
	if p.Key == nil { // it was removed already, in another tab
		return goTo("/keys"), nil
	}
	_, err = v.client.RemoveKey(v.ctx(), name)
	if e := refusedBy(err); e != nil {
		p.Problem = problemOf(e)
		return refuse("removekey", p), nil
	}
	if err != nil {
		return answer{}, err
	}
	return goTo("/keys?" + url.Values{"removed": {name}}.Encode()), nil
}
