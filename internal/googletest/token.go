package googletest

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// account is a service account.
type account struct {
	email  string
	public *rsa.PublicKey
}

// token is an access token that was given out.
type token struct {
	email  string
	scopes []string
	until  time.Time
}

// The scopes with which spreadsheets and files can be read.
const (
	scopeSheets = "https://www.googleapis.com/auth/spreadsheets.readonly"
	scopeDrive  = "https://www.googleapis.com/auth/drive.metadata.readonly"
)

// aKey is made once: keys are slow to make.
var aKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) }) //nolint:gochecknoglobals // see above

// Key makes the key of a service account, as the JSON that people download.
func (s *Server) Key(tb testing.TB, email string) []byte {
	tb.Helper()
	text, err := s.NewKey(email)
	if err != nil {
		tb.Fatal(err)
	}
	return text
}

// NewKey is [Server.Key] without a test.
func (s *Server) NewKey(email string) ([]byte, error) {
	key, err := aKey()
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.keys[email] = &account{email, &key.PublicKey}
	s.mu.Unlock()
	return json.Marshal(map[string]string{
		"type": "service_account", "project_id": "test", "private_key_id": "1", "client_email": email, "client_id": "1",
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), "token_uri": s.URL + "/token",
	})
}

// KeyFile is [Server.Key] in a file.
func (s *Server) KeyFile(tb testing.TB, email string) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "key.json")
	if err := os.WriteFile(path, s.Key(tb, email), 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}

// TokenLife sets for how long access tokens are valid that are given out from now on.
func (s *Server) TokenLife(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.life = d
}

// Revoke makes all access tokens invalid that were given out so far.
func (s *Server) Revoke() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, t := range s.tokens {
		t.until = time.Time{}
		s.tokens[name] = t
	}
}

// Disown makes the server refuse the key of an account.
func (s *Server) Disown(email string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.keys, email)
}

// reader is who sends a request; empty if it carries no valid token.
func (s *Server) reader(r *http.Request) string {
	name, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	t, ok := s.tokens[name]
	need := scopeSheets
	if strings.HasPrefix(r.URL.Path, "/drive/") {
		need = scopeDrive
	}
	if !ok || !time.Now().Before(t.until) || !slices.Contains(t.scopes, need) {
		return ""
	}
	return t.email
}

func (s *Server) serveToken(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, Call{ID: "token", Path: r.URL.Path})
	if r.Method != http.MethodPost || r.FormValue("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" {
		write(w, http.StatusBadRequest, map[string]string{"error": "unsupported_grant_type"})
		return
	}
	t, err := s.checkJWT(r.FormValue("assertion"))
	if err != nil {
		write(w, http.StatusBadRequest, map[string]string{"error": "invalid_grant", "error_description": err.Error()})
		return
	}
	t.until = time.Now().Add(s.life)
	name := fmt.Sprintf("ya29.token-%d", len(s.tokens)+1)
	s.tokens[name] = t
	write(w, http.StatusOK, map[string]any{"access_token": name, "token_type": "Bearer", "expires_in": int(s.life.Seconds())})
}

// checkJWT checks what Google checks of the JWT with which a service account asks for a token.
func (s *Server) checkJWT(text string) (t token, err error) {
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return t, fmt.Errorf("a JWT has 3 parts, this has %d", len(parts))
	}
	var head struct{ Alg string }
	var claims struct {
		Iss, Aud, Scope string
		Iat, Exp        int64
	}
	for i, into := range []any{&head, &claims} {
		body, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err == nil {
			err = json.Unmarshal(body, into)
		}
		if err != nil {
			return t, fmt.Errorf("part %d of the JWT: %w", i+1, err)
		}
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil {
		return t, fmt.Errorf("the signature: %w", err)
	}
	a, now := s.keys[claims.Iss], time.Now().Unix()
	switch {
	case head.Alg != "RS256":
		return t, fmt.Errorf("the algorithm is %q", head.Alg)
	case a == nil:
		return t, fmt.Errorf("no such account: %s", claims.Iss)
	case claims.Aud != s.URL+"/token" && claims.Aud != "https://oauth2.googleapis.com/token": // some clients always name the latter
		return t, fmt.Errorf("the audience is %q", claims.Aud)
	case claims.Exp <= now, claims.Exp-claims.Iat > 3600, claims.Iat > now+300:
		return t, fmt.Errorf("issued at %d, expires at %d, now is %d", claims.Iat, claims.Exp, now)
	}
	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if err := rsa.VerifyPKCS1v15(a.public, crypto.SHA256, digest[:], signature); err != nil {
		return t, fmt.Errorf("the signature: %w", err)
	}
	return token{email: a.email, scopes: strings.Fields(claims.Scope)}, nil
}
