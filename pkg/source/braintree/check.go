package braintree

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"reseed/pkg/fault"
	"reseed/pkg/source/remote"
	"reseed/pkg/source/system"
)

// Check finds out whether the keys are those of the merchant, and may read all that is read. The error is fault.Forbidden, code
// [CodePermission], or one of package remote.
func (r *reader) Check(ctx context.Context) (system.Account, error) {
	_, err := r.get(ctx, "/plans", "plans")
	missing := missing{}
	if err := missing.see(err, Plans); err != nil {
		return system.Account{}, err
	}
	for _, l := range lists() {
		_, err := r.search(ctx, l, criteria{CreatedAt: during(first, first)}) // finds nothing
		if err := missing.see(err, l.stream); err != nil {
			return system.Account{}, err
		}
	}
	if len(missing) > 0 {
		return system.Account{}, &fault.Error{
			Kind: fault.Forbidden, Code: CodePermission, Param: askPrivate,
			Message: "The user of the key may not read all that is needed. In Braintree's control panel, under Settings, Users and Roles, give its role the right to read: " + strings.Join(missing, ", ") + ".",
		}
	}
	return system.Account{ID: r.merchant, Name: r.merchant, Live: r.live}, nil
}

// missing are the streams that may not be read.
type missing []string

// see returns an error, unless it says that something may not be read.
func (m *missing) see(err error, s system.Stream) error {
	if e, ok := errors.AsType[*remote.Error](err); ok && e.Status == http.StatusForbidden {
		*m = append(*m, string(s))
		return nil
	}
	return err
}
