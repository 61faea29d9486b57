package credentials

import (
	"context"
	"encoding/json"
	"strings"

	"reseed/pkg/fault"
)

// Vault keeps credentials by the uuid of the data source that they belong to. It is safe for
// concurrent use. Its errors hold nothing of what it keeps.
type Vault interface {
	// Get returns the credentials of a source, by the names that its system has for them. The error
	// is fault.NotFound, code [CodeNone], if there are none.
	Get(ctx context.Context, source string) (map[string]string, error)
	// Put keeps credentials in place of those that are there. After an error either may be there,
	// whole.
	Put(ctx context.Context, source string, c map[string]string) error
	// Delete removes the credentials of a source for good. It is no error if there are none.
	Delete(ctx context.Context, source string) error
}

// CodeNone is the code of the error if there are no credentials.
const CodeNone = "no_credentials"

// ErrNone says that a source has no credentials.
func ErrNone() error {
	return fault.New(fault.NotFound, CodeNone, "There are no credentials for this data source: they are in no backup and no move. Give them again: reseed sources set NAME --credentials FILE.")
}

// Encode makes the text that a vault stores.
func Encode(c map[string]string) (string, error) {
	text, err := json.Marshal(c)
	if err != nil {
		return "", fault.New(fault.Internal, "credentials", "the credentials cannot be encoded")
	}
	return string(text), nil
}

// Decode reads that text. The error does not repeat it.
func Decode(text string) (map[string]string, error) {
	var c map[string]string
	if json.Unmarshal([]byte(text), &c) != nil || c == nil {
		return nil, fault.New(fault.Invalid, "credentials", "The stored credentials of this data source cannot be read. Give them again: reseed sources set NAME --credentials FILE.")
	}
	return c, nil
}

// CheckSource refuses what is not the uuid of a source, since vaults make names of it.
func CheckSource(source string) error {
	id, ok := strings.CutPrefix(source, "ds_")
	strange := func(c rune) bool { return c != '-' && (c < '0' || c > '9') && (c < 'a' || c > 'z') }
	if !ok || id == "" || strings.ContainsFunc(id, strange) {
		return fault.New(fault.Internal, "credentials_source", "this is not the uuid of a data source")
	}
	return nil
}
