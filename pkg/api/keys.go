package api

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"reseed/pkg/api/wire"
	"reseed/pkg/fault"
	"reseed/pkg/httpapi"
	"reseed/pkg/store"
)

// Limits of API keys.
const (
	maxKeys    = 100 // in the table
	maxKeyName = 64  // characters
)

const (
	textKeyTaken   = "There is a key of this name already. Remove it first, or choose another name."
	textKeyInUse   = "This request came with that very key. Use another one to remove it."
	textKeySetting = "This key comes from the settings of the server. To remove it, change the settings."
)

// listKeys is GET /v1/keys: first the keys of the settings, then the keys in the table, the oldest
// first.
func listKeys(c *call) (httpapi.Reply, error) {
	list, err := c.allKeys()
	return httpapi.Reply{Status: http.StatusOK, Body: wire.Keys{Keys: list}}, err
}

func (c *call) allKeys() ([]wire.Key, error) {
	made, err := c.keys.Made(c.Context())
	if err != nil {
		return nil, err
	}
	list := []wire.Key{}
	for _, k := range c.keys.Set() {
		if !k.Own {
			list = append(list, wire.Key{Name: k.Holder(), Setting: true, Yours: k.Holder() == c.Author})
		}
	}
	for _, k := range made {
		list = append(list, wire.Key{Name: k.Name, Yours: k.Name == c.Author, CreatedAt: &k.At, CreatedBy: k.By})
	}
	return list, nil
}

// createKey is POST /v1/keys.
func createKey(c *call) (httpapi.Reply, error) {
	f, err := c.Fields()
	if err != nil {
		return httpapi.Reply{}, err
	}
	if err := f.Require("name"); err != nil {
		return httpapi.Reply{}, err
	}
	f.Only("name")
	name := f.Text("name")
	list, err := c.allKeys()
	if err != nil {
		return httpapi.Reply{}, err
	}
	if problem := c.keyNameProblem(name, list); problem != "" {
		f.Fail("name", problem)
	}
	if err := f.Refused(); err != nil {
		return httpapi.Reply{}, err
	}
	key := httpapi.NewKey()
	made := store.APIKey{Name: name, Hash: httpapi.HashKey(key), At: c.Now().UTC().Truncate(time.Millisecond), By: c.Author}
	if err := c.keys.Add(c.Context(), made); err != nil {
		if fault.Is(err, fault.Conflict) {
			return httpapi.Reply{}, httpapi.Refused(map[string]string{"name": textKeyTaken})
		}
		return httpapi.Reply{}, err
	}
	w := wire.Key{Name: name, CreatedAt: &made.At, CreatedBy: made.By, Key: key}
	return httpapi.Reply{Status: http.StatusCreated, Body: w}, nil
}

// keyNameProblem says why a new key can't have a name. Receipts and edits mention the name, so no
// name may look like another.
func (c *call) keyNameProblem(name string, list []wire.Key) string {
	unprintable := func(r rune) bool { return !unicode.IsPrint(r) }
	switch {
	case name == "" || utf8.RuneCountInString(name) > maxKeyName || strings.ContainsFunc(name, unprintable):
		return fmt.Sprintf("must be 1 to %d printable characters", maxKeyName)
	case strings.Contains(name, "/") || name == "." || name == "..":
		return "must not be a path"
	case strings.EqualFold(name, httpapi.CommandName) || looksLikeHash(name):
		return "must not look like the name of a key that has no name of its own"
	case len(list) >= maxKeys:
		return fmt.Sprintf("would be one key more than the %d that are allowed", maxKeys)
	}
	for _, k := range c.keys.Set() {
		if strings.EqualFold(k.Holder(), name) {
			return textKeyTaken
		}
	}
	for _, k := range list {
		if strings.EqualFold(k.Name, name) {
			return textKeyTaken
		}
	}
	return ""
}

// looksLikeHash reports whether a name looks like what a key without a name is called.
func looksLikeHash(name string) bool {
	return regexp.MustCompile(`^(?i:key [0-9a-f]{8})$`).MatchString(name)
}

// deleteKey is DELETE /v1/keys/:name. A request can't remove the key that it came with, so requests
// over the network always leave one. Only a command on the data folder can remove the last one.
func deleteKey(c *call) (httpapi.Reply, error) {
	name := c.PathValue("name")
	list, err := c.allKeys()
	if err != nil {
		return httpapi.Reply{}, err
	}
	for _, k := range list {
		switch {
		case !strings.EqualFold(k.Name, name):
			continue
		case k.Setting:
			return httpapi.Reply{}, httpapi.Problem(http.StatusConflict, "", textKeySetting)
		case k.Yours:
			return httpapi.Reply{}, httpapi.Problem(http.StatusConflict, "", textKeyInUse)
		}
		err := c.keys.Remove(c.Context(), k.Name)
		return httpapi.Reply{Status: http.StatusOK, Body: wire.RemovedKey{Removed: k.Name, Left: len(list) - 1}}, err
	}
	return httpapi.Reply{}, httpapi.Absent("Key")
}
