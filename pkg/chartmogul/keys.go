package chartmogul

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"reseed/pkg/fault"
	"reseed/pkg/store"
)

// Limits of API keys.
const (
	maxKeys    = 100 // in the table
	maxKeyName = 64  // characters
)

const (
	textKeyTaken   = "There is a key of this name already. Remove that first, or choose another name."
	textKeyInUse   = "This request came with that very key. Use another one to remove it."
	textKeySetting = "This key comes from the settings of the server, and ends when it is taken out of them."
)

// CommandName is what edits and receipts call the commands on a data folder, which come with a key of the process.
const CommandName = "the reseed command"

// keyWire is an API key on the wire.
type keyWire struct {
	Name      string     `json:"name"`
	Setting   bool       `json:"setting"` // it comes from the settings, not from the table
	Yours     bool       `json:"yours"`   // the request came with it
	CreatedAt *time.Time `json:"created_at,omitempty"`
	CreatedBy string     `json:"created_by,omitempty"`
}

type keyList struct {
	Keys []keyWire `json:"keys"`
}

// newKeyWire is an API key and its text, which is told this once.
type newKeyWire struct {
	keyWire
	Key string `json:"key"`
}

type removedKeyWire struct {
	Removed string `json:"removed"`
	Left    int    `json:"left"` // how many keys let in still, those of settings included
}

// NewKey is the text of a new API key: 192 bits that nobody guesses.
func NewKey() string {
	b := make([]byte, 24)
	_, _ = rand.Read(b) // never fails (crypto/rand)
	return hex.EncodeToString(b)
}

// listKeys is GET /v1/keys: those of the settings, then those in the table, the oldest first.
func listKeys(c *call) (reply, error) {
	list, err := c.allKeys()
	return reply{status: http.StatusOK, body: keyList{list}}, err
}

func (c *call) allKeys() ([]keyWire, error) {
	made, err := c.keys.look(c.Context())
	if err != nil {
		return nil, err
	}
	list := []keyWire{}
	for _, k := range c.keys.set {
		if !k.Own {
			list = append(list, keyWire{Name: k.name(), Setting: true, Yours: k.name() == c.author})
		}
	}
	for _, k := range made {
		list = append(list, keyWire{Name: k.Name, Yours: k.Name == c.author, CreatedAt: &k.At, CreatedBy: k.By})
	}
	return list, nil
}

// createKey is POST /v1/keys.
func createKey(c *call) (reply, error) {
	f, err := c.body()
	if err != nil {
		return reply{}, err
	}
	if err := f.require("name"); err != nil {
		return reply{}, err
	}
	f.only("name")
	name := f.text("name")
	list, err := c.allKeys()
	if err != nil {
		return reply{}, err
	}
	if problem := c.keyNameProblem(name, list); problem != "" {
		f.fail("name", problem)
	}
	if err := f.refused(); err != nil {
		return reply{}, err
	}
	key := NewKey()
	made := store.APIKey{Name: name, Hash: HashKey(key), At: c.Now().UTC().Truncate(time.Millisecond), By: c.author}
	err = c.Store.AddAPIKey(c.Context(), made)
	c.keys.changed()
	if err != nil {
		if fault.Is(err, fault.Conflict) {
			return reply{}, refused(map[string]string{"name": textKeyTaken})
		}
		return reply{}, err
	}
	w := newKeyWire{keyWire{Name: name, CreatedAt: &made.At, CreatedBy: made.By}, key}
	return reply{status: http.StatusCreated, body: w}, nil
}

// keyNameProblem says why a new key can't have a name. Receipts and edits are signed with names, so none
// may look like another's.
func (c *call) keyNameProblem(name string, list []keyWire) string {
	unprintable := func(r rune) bool { return !unicode.IsPrint(r) }
	switch {
	case name == "" || utf8.RuneCountInString(name) > maxKeyName || strings.ContainsFunc(name, unprintable):
		return fmt.Sprintf("must be 1 to %d printable characters", maxKeyName)
	case strings.Contains(name, "/") || name == "." || name == "..":
		return "must not be a path"
	case strings.EqualFold(name, CommandName) || looksLikeHash(name):
		return "is what others are called that have no name"
	case len(list) >= maxKeys:
		return fmt.Sprintf("would be one key more than the %d that there can be", maxKeys)
	}
	for _, k := range c.keys.set {
		if strings.EqualFold(k.name(), name) {
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

// looksLikeHash tells a name as keys without one go by.
func looksLikeHash(name string) bool {
	return regexp.MustCompile(`^(?i:key [0-9a-f]{8})$`).MatchString(name)
}

// deleteKey is DELETE /v1/keys/:name. Nobody removes the key that they come with: so over the network there is
// always one left, and only a command on the data folder can remove the last.
func deleteKey(c *call) (reply, error) {
	name := c.PathValue("name")
	list, err := c.allKeys()
	if err != nil {
		return reply{}, err
	}
	for _, k := range list {
		switch {
		case !strings.EqualFold(k.Name, name):
			continue
		case k.Setting:
			return reply{}, failA(http.StatusConflict, "", textKeySetting)
		case k.Yours:
			return reply{}, failA(http.StatusConflict, "", textKeyInUse)
		}
		err := c.Store.RemoveAPIKey(c.Context(), k.Name)
		c.keys.changed()
		return reply{status: http.StatusOK, body: removedKeyWire{k.Name, len(list) - 1}}, err
	}
	return reply{}, absent("Key")
}
