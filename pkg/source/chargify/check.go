package chargify

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"reseed/pkg/fault"
	"reseed/pkg/source/remote"
	"reseed/pkg/source/system"
)

// Codes of the errors for sites that cannot be read.
const (
	CodePermission = "chargify_permission_missing"
	CodeStatements = "chargify_statements"  // the site is older than invoices
	CodeClosed     = "chargify_site_closed" // the site's own plan at Maxio has expired
	CodeNoSite     = "chargify_no_site"     // there is no site of this subdomain
)

// Check finds out whose key it is, and whether it may read all that is read. The error names every list that it may not read, or
// says that the site has no invoices of today's kind. It is fault.Forbidden, with one of the codes above, or one of package remote.
func (r *Reader) Check(ctx context.Context) (system.Account, error) {
	site, err := r.account(ctx)
	var missing []string
	if refused(err, http.StatusForbidden) {
		missing = append(missing, "site")
	} else if err != nil {
		return system.Account{}, said(err)
	}
	for _, l := range lists() {
		_, _, err := r.list(ctx, l, url.Values{"per_page": {"1"}})
		if refused(err, http.StatusForbidden) {
			missing = append(missing, string(l.stream))
		} else if err != nil {
			return system.Account{}, said(err)
		}
	}
	if len(missing) > 0 {
		return system.Account{}, &fault.Error{
			Kind: fault.Forbidden, Code: CodePermission, Param: credentialKey,
			Message: "The key may not read all that is needed. In Maxio Advanced Billing, under Config, Integrations, API Keys, let it read: " + strings.Join(missing, ", ") + ".",
		}
	}
	return site, nil
}

// refused reports whether an error is an answer of that status.
func refused(err error, status int) bool {
	e, ok := errors.AsType[*remote.Error](err)
	return ok && e.Status == status
}

// said puts what Chargify means by an answer into words.
func said(err error) error {
	if refused(err, http.StatusNotFound) {
		return &fault.Error{
			Kind: fault.Forbidden, Code: CodeNoSite, Param: credentialSubdomain,
			Message: "Chargify has no site of this subdomain in this region. Check the address of your site.",
		}
	}
	return err
}

// get asks for a document. A site whose plan at Maxio has expired answers 422 to everything.
func (r *Reader) get(ctx context.Context, path string, q url.Values) ([]byte, error) {
	body, err := r.client.Get(ctx, path, q)
	if refused(err, http.StatusUnprocessableEntity) {
		return nil, fault.New(fault.Forbidden, CodeClosed, "Chargify takes no requests for this site. Its own plan at Maxio may have expired: see there, then sync again.")
	}
	return body, err
}

// account reads the site that the key is of.
func (r *Reader) account(ctx context.Context) (system.Account, error) {
	body, err := r.get(ctx, "/site.json", nil)
	if err != nil {
		return system.Account{}, err
	}
	var answer struct {
		Site struct {
			ID        id     `json:"id"`
			Name      string `json:"name"`
			Subdomain string `json:"subdomain"`
			Test      bool   `json:"test"`
			Invoices  *bool  `json:"relationship_invoicing_enabled"`
		} `json:"site"`
	}
	if json.Unmarshal(body, &answer) != nil || answer.Site.ID == "" {
		return system.Account{}, r.client.Unexpected("its answer is not a site. Try again later")
	}
	s := answer.Site
	if s.Invoices != nil && !*s.Invoices {
		return system.Account{}, fault.New(fault.Forbidden, CodeStatements,
			"This site has statements in place of invoices, as sites from before 2018 have; Reseed reads invoices only. Ask Maxio to move the site to Relationship Invoicing.")
	}
	if s.Name == "" {
		s.Name = s.Subdomain
	}
	return system.Account{ID: string(s.ID), Name: s.Name, Live: !s.Test}, nil
}
