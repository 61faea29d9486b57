package recurly

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

// CodePermission is the code of the error for a key that may not read all that is read.
const CodePermission = "recurly_permission_missing"

// Check finds out whose key it is, and whether it may read all that is read. The error names every list that it may not read; it is
// fault.Forbidden, code [CodePermission], or one of package remote.
func (r *Reader) Check(ctx context.Context) (system.Account, error) {
	site, err := r.site(ctx)
	var missing []string
	if refused(err) {
		missing = append(missing, "sites")
	} else if err != nil {
		return system.Account{}, err
	}
	for _, l := range lists() {
		_, err := r.list(ctx, l.path, "", url.Values{"limit": {"1"}})
		if refused(err) {
			missing = append(missing, string(l.stream))
		} else if err != nil {
			return system.Account{}, err
		}
	}
	if len(missing) > 0 {
		return system.Account{}, &fault.Error{
			Kind: fault.Forbidden, Code: CodePermission, Param: credential,
			Message: "The key may not read all that is needed. In Recurly, under Integrations, API Credentials, let it read: " + strings.Join(missing, ", ") + ".",
		}
	}
	return site, nil
}

// refused reports whether an error says that the key may not read something.
func refused(err error) bool {
	e, ok := errors.AsType[*remote.Error](err)
	return ok && e.Kind == remote.Auth && e.Status == http.StatusForbidden
}

// site reads the site that the key is of.
func (r *Reader) site(ctx context.Context) (system.Account, error) {
	got, err := r.list(ctx, "/sites", "", url.Values{"limit": {"1"}})
	if err != nil {
		return system.Account{}, err
	}
	var s struct {
		ID        string `json:"id"`
		Subdomain string `json:"subdomain"`
		Mode      string `json:"mode"`
	}
	if len(got.data) == 0 || json.Unmarshal(got.data[0], &s) != nil || s.ID == "" {
		return system.Account{}, r.client.Unexpected("its answer is not a site. Try again later")
	}
	return system.Account{ID: s.ID, Name: s.Subdomain, Live: s.Mode == "production"}, nil
}
