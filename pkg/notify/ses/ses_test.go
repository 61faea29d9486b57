package ses_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"strings"
	"testing"
	"time"

	"reseed/internal/mailtest"
	"reseed/pkg/notify"
	notifymail "reseed/pkg/notify/mail"
	"reseed/pkg/notify/ses"
)

// sent is the body of a call, as SES documents it.
type sent struct {
	FromEmailAddress string `json:"FromEmailAddress"`
	Destination      struct {
		ToAddresses []string `json:"ToAddresses"`
	} `json:"Destination"`
	Content struct {
		Raw struct {
			Data []byte `json:"Data"`
		} `json:"Raw"`
	} `json:"Content"`
}

// check holds a call to the message that it is to carry.
func (s *sent) check(t *testing.T) {
	t.Helper()
	got, err := mailtest.Parse(s.Content.Raw.Data)
	if err != nil || got.Header.Get("Subject") != "done" || got.Header.Get("X-Reseed-Message") != "j1-ended" || got.Header.Get("To") == "" {
		t.Errorf("%+v, %v", got, err)
	}
	if s.FromEmailAddress != "<reseed@acme.example>" || strings.Join(s.Destination.ToAddresses, " ") != `"Ann" <ann@acme.example> <bob@acme.example>` {
		t.Errorf("%+v", s)
	}
}

// TestSES holds the calls to SES to the shape that its API documents: POST /v2/email/outbound-emails
// with the message as it is, in base64.
func TestSES(t *testing.T) { //nolint:paralleltest // the environment is shared
	var calls []string
	var body sent
	status, code := http.StatusOK, ""
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		calls = append(calls, r.Method+" "+r.URL.Path)
		if err := json.Unmarshal(text, &body); err != nil || !strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 ") {
			t.Errorf("%s: %v", text, err)
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("X-Amzn-Errortype", code)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, `{"MessageId":"1","message":"ann@acme.example is not verified"}`)
	}))
	t.Cleanup(srv.Close)
	for name, value := range map[string]string{
		"AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local", "AWS_ENDPOINT_URL_SESV2": srv.URL,
	} {
		t.Setenv(name, value)
	}
	send := ses.To(notifymail.People{From: mail.Address{Address: "reseed@acme.example"}, To: []mail.Address{{Name: "Ann", Address: "ann@acme.example"}, {Address: "bob@acme.example"}}})
	m := &notify.Message{Facts: &notify.Facts{ID: "j1-ended"}, Made: time.Now(), Subject: "done", Text: "done\n", HTML: "<p>done</p>"}
	if err := send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	body.check(t)
	for _, c := range []struct {
		status     int
		code, want string
	}{
		{http.StatusBadRequest, "MessageRejected", "verify the addresses"},
		{http.StatusForbidden, "AccessDeniedException", "403"},
		{http.StatusTooManyRequests, "TooManyRequestsException", "TooManyRequestsException"},
		{http.StatusInternalServerError, "", "SES"},
	} {
		calls, status, code = nil, c.status, c.code
		err := send(t.Context(), m)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "ann@") {
			t.Errorf("%d: %v", c.status, err)
		}
		if len(calls) != 1 || calls[0] != "POST /v2/email/outbound-emails" {
			t.Errorf("%d: %v", c.status, calls)
		}
	}
	srv.Close()
	if err := send(t.Context(), m); err == nil || !strings.Contains(err.Error(), "could not be reached") {
		t.Error(err)
	}
}
