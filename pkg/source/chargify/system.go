package chargify

import (
	"cmp"
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"reseed/pkg/fault"
	"reseed/pkg/source/remote"
	"reseed/pkg/source/system"
)

const name = "Chargify"

// Names of credentials.
const (
	credentialSubdomain = "subdomain"
	credentialKey       = "key"
)

// Codes of the errors for credentials that cannot be right.
const (
	CodeNotASubdomain = "not_a_chargify_subdomain"
	CodeNotAKey       = "not_a_chargify_key"
)

// Limits is how fast a site is asked. Chargify takes four requests at the same time, of all programs together, and no rate is known.
func Limits() remote.Limits { return remote.Limits{InFlight: 2} }

// System is Chargify as a [system.System].
type System struct{}

var _ system.System = System{}

// Name is Chargify.
func (System) Name() string { return name }

// Asks are a subdomain and a key.
func (System) Asks() []system.Ask {
	return []system.Ask{
		{Name: credentialSubdomain, Label: "Subdomain", Help: "What stands before .chargify.com, or before .ebilling.maxio.com, in the address of your site."},
		{Name: credentialKey, Label: "API key", Secret: true, Help: "In Maxio Advanced Billing, under Config, Integrations, API Keys, add a key."},
	}
}

// Places are Chargify's regions. A test site is one among others.
func (System) Places() []system.Place {
	return []system.Place{
		{Name: "US", Address: "https://%s.chargify.com"},
		{Name: "EU", Address: "https://%s.ebilling.maxio.com"},
	}
}

// Options are the settings that the mapping knows.
func (System) Options() []string {
	return []string{"invoices", "without_voided", "without_refunded", "metered", "metadata"}
}

var (
	subdomains = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
	keys       = regexp.MustCompile(`^[A-Za-z0-9_-]{8,128}$`)
)

// Open makes a reader.
func (s System) Open(c system.Connection) (system.Reader, error) {
	subdomain, key := strings.ToLower(c.Credentials[credentialSubdomain]), c.Credentials[credentialKey]
	if !subdomains.MatchString(subdomain) {
		return nil, &fault.Error{
			Kind: fault.Invalid, Code: CodeNotASubdomain, Param: credentialSubdomain,
			Message: "This is no subdomain of Chargify. If the address of your site is https://acme.chargify.com, it is acme.",
		}
	}
	if !keys.MatchString(key) {
		return nil, &fault.Error{
			Kind: fault.Invalid, Code: CodeNotAKey, Param: credentialKey,
			Message: "This is not an API key of Chargify, which has letters, digits, - and _ only. In Maxio Advanced Billing, under Config, Integrations, API Keys, add a key.",
		}
	}
	place, err := s.place(c.Place)
	if err != nil {
		return nil, err
	}
	limits := Limits()
	if c.Unlimited {
		limits = remote.Limits{}
	}
	site := fmt.Sprintf(place.Address, subdomain)
	token := "Basic " + base64.StdEncoding.EncodeToString([]byte(key+":x"))
	return &Reader{site: strings.TrimPrefix(site, "https://"), client: remote.New(remote.Config{
		System: name, Base: cmp.Or(c.Base, site), Transport: c.Transport, Limits: limits, Now: c.Now,
		Header:        http.Header{"Accept": {"application/json"}},
		Authorization: func(context.Context, string) (string, error) { return token, nil },
		RequestID:     "X-Request-Id",
	})}, nil
}

// place finds a place by its name.
func (s System) place(name string) (system.Place, error) {
	var names []string
	for _, p := range s.Places() {
		if name == "" || p.Name == name {
			return p, nil
		}
		names = append(names, p.Name)
	}
	return system.Place{}, fault.New(fault.Invalid, "unknown_place", "Chargify is at none of such a name; choose one of: "+strings.Join(names, ", ")+".")
}
