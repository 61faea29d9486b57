package main

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"reseed/pkg/api/client"
)

// door is how the server that has a data folder open lets other commands in: it stores an address
// and a key in a file that only the owner of the folder may read. The server listens on this
// address for commands only, so that clients on the network cannot use up the connections. The file
// outlives a server that was killed, and another program may listen on the address by then. So the
// server proves that it has the key before a command sends the key.
type door struct {
	URL string `json:"url"`
	Key string `json:"key"`
}

func doorFile(data string) string { return filepath.Join(data, "serve.json") }

// proofPath is the path on which a server answers with the proof for ?nonce=.
const proofPath = "/reseed-door"

// proofTime is how long a command waits for the proof: another program may never answer.
const proofTime = 10 * time.Second

// proof is the answer to a nonce, in hex. Only a server with the key, at this address, can give it.
func (d door) proof(nonce string) string {
	mac := hmac.New(sha256.New, []byte(d.Key))
	_, _ = io.WriteString(mac, "reseed door\x00"+d.URL+"\x00"+nonce) // never fails
	return hex.EncodeToString(mac.Sum(nil))
}

// handler answers proofPath with the proof, backupPath with a backup (see [makeBackup]), and
// everything else as h does.
func (d door) handler(h, makeBackup http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case proofPath:
		case backupPath:
			d.locked(makeBackup).ServeHTTP(w, r)
			return
		default:
			h.ServeHTTP(w, r)
			return
		}
		nonce := r.URL.Query().Get("nonce")
		if len(nonce) < 32 || len(nonce) > 128 {
			http.Error(w, "a nonce is needed", http.StatusBadRequest)
			return
		}
		_, _ = io.WriteString(w, d.proof(nonce))
	})
}

// locked answers only requests with the door's key: an API key does not open it.
func (d door) locked(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key, _, _ := r.BasicAuth()
		if d.Key == "" || !hmac.Equal([]byte(key), []byte(d.Key)) {
			http.Error(w, "only commands on the data folder may do this", http.StatusForbidden)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// proven reports whether the server at the door's address has the door's key.
func (d door) proven(ctx context.Context, over *http.Client) bool {
	ctx, cancel := context.WithTimeout(ctx, proofTime)
	defer cancel()
	nonce := rand.Text() + rand.Text()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, d.URL+proofPath+"?nonce="+nonce, nil)
	if err != nil {
		return false
	}
	resp, err := over.Do(req)
	if err != nil {
		return false
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 2*sha256.Size))
	return err == nil && d.Key != "" && hmac.Equal(answer, []byte(d.proof(nonce)))
}

// throughDoor returns a session with the server that has the folder open; nil if no server proves
// that it does.
func throughDoor(ctx context.Context, data string) *session {
	body, err := os.ReadFile(doorFile(data))
	if err != nil {
		return nil
	}
	var d door
	if json.Unmarshal(body, &d) != nil {
		return nil
	}
	remote := patientClient(defaultWaits())
	if !d.proven(ctx, remote) {
		return nil
	}
	return &session{client.New(d.URL, d.Key, remote), noClose, askForBackup(d, remote)}
}

// writeDoor writes the file that lets other commands on this folder in.
func writeDoor(data string, d door) error {
	body, err := json.Marshal(d)
	if err != nil {
		return err
	}
	return replaceFile(doorFile(data), body)
}

// replaceFile writes a file that only its owner may read. After a kill the file is either new and
// whole, or as it was.
func replaceFile(name string, body []byte) error {
	tmp := name + ".new"
	if err := os.WriteFile(tmp, body, 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, name)
}
