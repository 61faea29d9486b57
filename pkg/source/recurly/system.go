package recurly

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"

	"reseed/pkg/fault"
	"reseed/pkg/source/remote"
	"reseed/pkg/source/system"
)

// Version is the version of Recurly's API that requests ask for.
const Version = "v2021-02-25"

const (
	name       = "Recurly"
	credential = "key"
)

// CodeNotAKey is the code of the error for a credential that cannot be a key.
const CodeNotAKey = "not_a_recurly_key"

// Addresses of Recurly's regions.
const (
	addressUS = "https://v3.recurly.com"
	addressEU = "https://v3.eu.recurly.com"
)

// Limits is how fast a site is asked. Recurly allows 1,000 requests a minute, counted over five minutes, and a sandbox 400.
func Limits(sandbox bool) remote.Limits {
	if sandbox {
		return remote.Limits{PerSecond: 6, InFlight: 4}
	}
	return remote.Limits{PerSecond: 12, InFlight: 8}
}

// System is Recurly as a [system.System].
type System struct{}

var _ system.System = System{}

// Name is Recurly.
func (System) Name() string { return name }

// Asks is a key.
func (System) Asks() []system.Ask {
	return []system.Ask{{
		Name: credential, Label: "Private API key", Secret: true,
		Help: "In Recurly, under Integrations, API Credentials, add a private API key with read-only access.",
	}}
}

// sandbox is at the end of the names of places that are sandboxes.
const sandbox = " sandbox"

// Places are Recurly's regions. A sandbox has the address of its region, and is asked more slowly.
func (System) Places() []system.Place {
	return []system.Place{
		{Name: "US", Address: addressUS},
		{Name: "EU", Address: addressEU},
		{Name: "US" + sandbox, Address: addressUS},
		{Name: "EU" + sandbox, Address: addressEU},
	}
}

// Options are the settings that the mapping knows.
func (System) Options() []string {
	return []string{"invoices", "without_voided", "without_uncollectible", "without_refunded", "metadata"}
}

// keys are what a private key may look like. A public one has a dash.
var keys = regexp.MustCompile(`^[A-Za-z0-9]{16,128}$`)

// Open makes a reader.
func (s System) Open(c system.Connection) (system.Reader, error) {
	key := c.Credentials[credential]
	if !keys.MatchString(key) {
		return nil, &fault.Error{
			Kind: fault.Invalid, Code: CodeNotAKey, Param: credential,
			Message: "This is not a private API key of Recurly, which has letters and digits only. In Recurly, under Integrations, API Credentials, add a private API key with read-only access.",
		}
	}
	place, err := s.place(c.Place)
	if err != nil {
		return nil, err
	}
	limits := Limits(strings.HasSuffix(place.Name, sandbox))
	if c.Unlimited {
		limits = remote.Limits{}
	}
	token := "Basic " + base64.StdEncoding.EncodeToString([]byte(key+":"))
	return &Reader{client: remote.New(remote.Config{
		System: name, Base: cmp.Or(c.Base, place.Address), Transport: c.Transport, Limits: limits, Now: c.Now,
		Header:        http.Header{"Accept": {"application/vnd.recurly." + Version + "+json"}},
		Authorization: func(context.Context, string) (string, error) { return token, nil },
		Explain:       explain,
		RequestID:     "X-Request-Id",
		Reset:         "X-RateLimit-Reset",
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
	return system.Place{}, fault.New(fault.Invalid, "unknown_place", "Recurly is at none of such a name; choose one of: "+strings.Join(names, ", ")+".")
}

// explain reads Recurly's error body.
func explain(body []byte) remote.Explanation {
	var e struct {
		Error struct {
			Type   string `json:"type"`
			Params []struct {
				Param string `json:"param"`
			} `json:"params"`
		} `json:"error"`
	}
	_ = json.Unmarshal(body, &e) // another body explains nothing
	said := remote.Explanation{Reason: e.Error.Type}
	if len(e.Error.Params) > 0 {
		said.Param = e.Error.Params[0].Param
	}
	return said
}
