package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"reseed/pkg/httpapi"
)

// settingKeys are the API keys that the server accepts besides those in the table: RESEED_API_KEY,
// else the one that an older version made for this data folder.
func (sh *shell) settingKeys() ([]httpapi.Key, error) {
	key, err := sh.apiKey()
	switch {
	case err != nil:
		return nil, err
	case key != "":
		return []httpapi.Key{{Hash: httpapi.HashKey(key)}}, nil
	}
	return sh.madeKey()
}

// apiKey is RESEED_API_KEY; empty if it is not set.
func (sh *shell) apiKey() (string, error) {
	c, err := sh.settings()
	if err != nil {
		return "", err
	}
	if strings.Contains(c.APIKey, ":") {
		return "", usage("RESEED_API_KEY must not hold a colon: it goes as the user name of basic auth, which ends at the first one")
	}
	return c.APIKey, nil
}

// madeKey is the key that an older version made at its first start; its hash is in a file of the
// data folder.
func (sh *shell) madeKey() ([]httpapi.Key, error) {
	file := filepath.Join(sh.data, "api-key.sha256")
	text, err := os.ReadFile(file) //nolint:gosec // in the data folder that the person names
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("the hash of the API key cannot be read: %w", err)
	}
	hash, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(hash) != sha256.Size {
		return nil, fmt.Errorf("%s is damaged; remove it, and make a key with %s", file, sh.again("keys add NAME"))
	}
	return []httpapi.Key{{Hash: [sha256.Size]byte(hash)}}, nil
}
