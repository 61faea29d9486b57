package paypal

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"time"

	"reseed/pkg/fault"
	"reseed/pkg/source/remote"
	"reseed/pkg/source/system"
)

// Names of the places and credentials.
const (
	live    = "Live"
	sandbox = "Sandbox"

	askID     = "client_id"
	askSecret = "secret"
)

// CodeNotAKey is the code of the error for credentials that cannot be right.
const CodeNotAKey = "not_a_paypal_key"

// Limits is how fast an account is asked. PayPal does not say what it allows; others were shut out for some minutes at 50 requests a minute.
func Limits() remote.Limits { return remote.Limits{PerSecond: 30. / 60, InFlight: 4} }

// System is PayPal.
type System struct{}

// Name is PayPal.
func (System) Name() string { return "PayPal" }

// Asks are the credentials of an app.
func (System) Asks() []system.Ask {
	const where = "In PayPal's developer dashboard, under Apps & Credentials, in the app."
	return []system.Ask{
		{Name: askID, Label: "Client ID", Help: where + " The app needs the features Subscriptions and Transaction search."},
		{Name: askSecret, Label: "Secret", Help: where + " It stands below the client ID.", Secret: true},
	}
}

// Places are PayPal's two hosts.
func (System) Places() []system.Place {
	return []system.Place{
		{Name: live, Address: "https://api-m.paypal.com"},
		{Name: sandbox, Address: "https://api-m.sandbox.paypal.com"},
	}
}

// Options are the settings that the mapping looks at; and that ids of subscriptions may be uploaded.
func (System) Options() []string { return []string{"invoices", "without_refunded", "subscriptions"} }

var credentials = regexp.MustCompile(`^[A-Za-z0-9_-]{1,256}$`)

// Open makes a reader.
func (s System) Open(c system.Connection) (system.Reader, error) {
	for _, ask := range s.Asks() {
		if !credentials.MatchString(c.Credentials[ask.Name]) {
			return nil, &fault.Error{
				Kind: fault.Invalid, Code: CodeNotAKey, Param: ask.Name,
				Message: "This cannot be PayPal's " + strings.ToLower(ask.Label) + ": it has letters, digits, _ and - only. " + ask.Help,
			}
		}
	}
	place, site, ok := s.place(c.Place)
	if !ok {
		return nil, fault.New(fault.Invalid, "unknown_place", "PayPal has no such place; it has Live and Sandbox.")
	}
	limits := Limits()
	if c.Unlimited {
		limits = remote.Limits{}
	}
	tokens := &tokens{basic: "Basic " + base64.StdEncoding.EncodeToString([]byte(c.Credentials[askID]+":"+c.Credentials[askSecret])), now: c.Now, turn: make(chan struct{}, 1)}
	tokens.client = remote.New(remote.Config{
		System: s.Name(), Base: cmp.Or(c.Base, place.Address), Transport: c.Transport, Limits: limits, Now: c.Now, Explain: explain, RequestID: "Paypal-Debug-Id",
		Authorization: tokens.own,
	})
	return &reader{client: tokens.client.With(tokens.bearer), live: place.Name == live, site: site, named: sorted(c.Subscriptions), most: searchSize}, nil
}

// place finds a place by its name, and the address at which people see it.
func (s System) place(name string) (p system.Place, site string, ok bool) {
	for _, p := range s.Places() {
		if p.Name != cmp.Or(name, live) {
			continue
		}
		if p.Name == sandbox {
			return p, "https://www.sandbox.paypal.com", true
		}
		return p, "https://www.paypal.com", true
	}
	return system.Place{}, "", false
}

// explain reads PayPal's error body.
func explain(body []byte) remote.Explanation {
	var e struct {
		Name    string `json:"name"`
		Error   string `json:"error"`
		Message string `json:"message"`
	}
	_ = json.Unmarshal(body, &e) // another body explains nothing
	if strings.Contains(e.Message, "not available") {
		return remote.Explanation{Reason: reasonTooNew}
	}
	return remote.Explanation{Reason: strings.ToLower(cmp.Or(e.Name, e.Error))}
}

// What PayPal says of a search that it refuses.
const (
	reasonTooNew   = "data_not_available"  // nothing of that time is published yet
	reasonTooLarge = "resultset_too_large" // more was found than may be
)

// tokens asks for a token when there is none, it is about to expire, or it was refused. It is safe for concurrent use.
type tokens struct {
	client *remote.Client // asks for tokens
	basic  string
	now    func() time.Time

	turn    chan struct{} // of one; whoever has put something in may go on
	token   string
	expires time.Time
}

// own is the authorization of requests for tokens.
func (t *tokens) own(context.Context, string) (string, error) { return t.basic, nil }

// bearer is the authorization of other requests.
func (t *tokens) bearer(ctx context.Context, refused string) (string, error) {
	select {
	case t.turn <- struct{}{}:
		defer func() { <-t.turn }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	if t.token != "" && t.token != refused && t.now().Before(t.expires) {
		return t.token, nil
	}
	body, err := t.client.Do(ctx, remote.Request{
		Method: http.MethodPost, Path: "/v1/oauth2/token", Body: []byte("grant_type=client_credentials"), Type: "application/x-www-form-urlencoded",
	})
	if err != nil {
		return "", err
	}
	var given struct {
		Token   string `json:"access_token"`
		Expires int64  `json:"expires_in"`
	}
	if err := json.Unmarshal(body, &given); err != nil || given.Token == "" {
		return "", t.client.Unexpected("its answer is not a token. Try again later")
	}
	t.token = "Bearer " + given.Token
	t.expires = t.now().Add(time.Duration(given.Expires)*time.Second - time.Minute)
	return t.token, nil
}
