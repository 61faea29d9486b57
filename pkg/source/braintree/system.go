package braintree

import (
	"cmp"
	"context"
	"encoding/base64"
	"net/http"
	"regexp"
	"strings"

	"reseed/pkg/fault"
	"reseed/pkg/source/remote"
	"reseed/pkg/source/system"
)

// version is the version of the API that requests ask for. Braintree's own clients have it.
const version = "6"

// Names of the places and credentials.
const (
	production = "Production"
	sandbox    = "Sandbox"

	askMerchant = "merchant_id"
	askPublic   = "public_key"
	askPrivate  = "private_key"
)

// CodeNotAKey is the code of the error for credentials that cannot be right.
const CodeNotAKey = "not_a_braintree_key"

// Limits is how fast a merchant is asked. Braintree does not say what it allows.
func Limits() remote.Limits { return remote.Limits{InFlight: 4} }

// System is Braintree.
type System struct{}

// Name is Braintree.
func (System) Name() string { return "Braintree" }

// Asks are the credentials of a user of the API.
func (System) Asks() []system.Ask {
	const where = "In Braintree's control panel, under Settings (the gear), API."
	return []system.Ask{
		{Name: askMerchant, Label: "Merchant ID", Help: where + " It is the same for all users of the account; a merchant account ID is something else."},
		{Name: askPublic, Label: "Public key", Help: where + " Make a key for a user who may only read."},
		{Name: askPrivate, Label: "Private key", Help: where + " It stands next to the public key.", Secret: true},
	}
}

// Places are Braintree's two hosts.
func (System) Places() []system.Place {
	return []system.Place{
		{Name: production, Address: "https://api.braintreegateway.com"},
		{Name: sandbox, Address: "https://api.sandbox.braintreegateway.com"},
	}
}

// Options are the settings that the mapping looks at.
func (System) Options() []string {
	return []string{"invoices", "without_voided", "without_refunded", "deleted_customers", "metadata"}
}

// credentials are what each may consist of.
var credentials = regexp.MustCompile(`^[A-Za-z0-9_-]{1,128}$`)

// Open makes a reader.
func (s System) Open(c system.Connection) (system.Reader, error) {
	for _, ask := range s.Asks() {
		if !credentials.MatchString(c.Credentials[ask.Name]) {
			return nil, &fault.Error{
				Kind: fault.Invalid, Code: CodeNotAKey, Param: ask.Name,
				Message: "This cannot be Braintree's " + strings.ToLower(ask.Label) + ": it has letters, digits, _ and - only. " + ask.Help,
			}
		}
	}
	merchant := c.Credentials[askMerchant]
	place, panel, ok := s.place(c.Place)
	if !ok {
		return nil, fault.New(fault.Invalid, "unknown_place", "Braintree has no such place; it has Production and Sandbox.")
	}
	token := "Basic " + base64.StdEncoding.EncodeToString([]byte(c.Credentials[askPublic]+":"+c.Credentials[askPrivate]))
	limits := Limits()
	if c.Unlimited {
		limits = remote.Limits{}
	}
	return &reader{
		merchant: merchant, live: place.Name == production, panel: panel + "/merchants/" + merchant, most: most,
		client: remote.New(remote.Config{
			System: s.Name(), Base: cmp.Or(c.Base, place.Address) + "/merchants/" + merchant, Transport: c.Transport, Limits: limits, Now: c.Now, XML: true,
			Header:        http.Header{"X-Apiversion": {version}, "Accept": {"application/xml"}},
			Authorization: func(context.Context, string) (string, error) { return token, nil },
		}),
	}, nil
}

// place finds a place by its name, and the address of its control panel.
func (s System) place(name string) (p system.Place, panel string, ok bool) {
	for _, p := range s.Places() {
		if p.Name != cmp.Or(name, production) {
			continue
		}
		if p.Name == sandbox {
			return p, "https://sandbox.braintreegateway.com", true
		}
		return p, "https://www.braintreegateway.com", true
	}
	return system.Place{}, "", false
}
