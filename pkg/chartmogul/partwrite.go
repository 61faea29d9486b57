package chartmogul

import (
	"errors"
	"net/http"
	"strings"

	"reseed/pkg/billing"
	"reseed/pkg/httpapi"
	"reseed/pkg/records"
)

// create is POST /import/invoices/:uuid/{…}.
func (k partKind) create(c *call) (httpapi.Reply, error) {
	body, err := c.Fields()
	if err != nil {
		return httpapi.Reply{}, err
	}
	invoice := records.Name{ID: c.PathValue("uuid")}
	a, made, err := c.Records.AddPart(c.Context(), invoice, func(d *records.Draft) {
		k.read(c, d, &httpapi.Fields{Raw: body.Raw, Prefix: k.prefix, Errs: d.Errs})
	})
	if wrong, ok := errors.AsType[*records.RefusedError](err); ok {
		return httpapi.Reply{}, httpapi.Refused(bare(wrong.Drafts[0].Errs, k.prefix))
	}
	if err != nil {
		return httpapi.Reply{}, err
	}
	return k.answer(c, a, made, http.StatusCreated), nil
}

// bare is errs with names without the prefix.
func bare(errs map[string]string, prefix string) map[string]string {
	out := make(map[string]string, len(errs))
	for name, text := range errs {
		out[strings.TrimPrefix(name, prefix)] = text
	}
	return out
}

// form is the form for a PATCH of a line item or transaction.
func (k partKind) form(c *call, a records.Account, p *records.PartOf) form {
	return form{
		open: k.open, fixed: []string{"external_id"}, prefix: k.prefix,
		read: func(f *httpapi.Fields) (billing.Record, error) {
			d := p.Invoice.Draft()
			d.Errs = f.Errs
			record := k.read(c, d, f)
			if f.Text("type") == billing.Subscription { // a line item that is added without one gets one
				f.Given("subscription_external_id")
			}
			return record, c.Records.ResolvePlans(c.Context(), a, p.Source, d)
		},
	}
}

// patch is PATCH /{…}/:uuid and /{…}?data_source_uuid&external_id.
func (k partKind) patch(c *call) (httpapi.Reply, error) {
	body, err := c.changing()
	if err != nil {
		return httpapi.Reply{}, err
	}
	name, err := c.named()
	if err != nil {
		return httpapi.Reply{}, err
	}
	a, p, err := c.Records.ChangePart(c.Context(), k.kind, name, c.Author, func(a records.Account, p *records.PartOf) (records.Change, error) {
		return k.form(c, a, p).patch(body, p.Stored, k.wireWith(a, p))
	})
	if err != nil {
		return httpapi.Reply{}, err
	}
	return k.answer(c, a, p, http.StatusOK), nil
}

// disable is PATCH /{…}/:uuid/disabled_state and /{…}/disabled_state?data_source_uuid&external_id.
func (k partKind) disable(c *call) (httpapi.Reply, error) {
	disabled, err := c.disabling()
	if err != nil {
		return httpapi.Reply{}, err
	}
	name, err := c.named()
	if err != nil {
		return httpapi.Reply{}, err
	}
	a, p, err := c.Records.DisablePart(c.Context(), k.kind, name, c.Author, disabled)
	if err != nil {
		return httpapi.Reply{}, err
	}
	return k.answer(c, a, p, http.StatusOK), nil
}

// remove is DELETE /{…}/:uuid and /{…}?data_source_uuid&external_id. It removes the row with its
// pointer and its edit, or makes an edit that hides it.
func (k partKind) remove(c *call) (httpapi.Reply, error) {
	asEdit, err := c.deleting()
	if err != nil {
		return httpapi.Reply{}, err
	}
	name, err := c.named()
	if err != nil {
		return httpapi.Reply{}, err
	}
	return httpapi.Reply{Status: http.StatusNoContent}, c.Records.DeletePart(c.Context(), k.kind, name, c.Author, asEdit)
}
