package console

import (
	"net/url"
	"strings"

	"reseed/pkg/api/wire"
)

// recordPage is a record with all its fields: an invoice with its parts, a source customer or a plan.
type recordPage struct {
	base
	View   recordView
	Parts  []recordView
	Origin *wire.Origin
	Of     string // the customer from whose page people came; empty if it is none
	Banner *doneBanner
	Undo   *revertForm // takes everything back that was done to the record; nil if nothing was
}

// showRecord is GET /records/{id}.
func (c *Console) showRecord(v *visit) (answer, error) {
	id := v.PathValue("id")
	r, err := v.client.Record(v.ctx(), id)
	if err != nil {
		return answer{}, err
	}
	p := recordPage{Of: v.FormValue("of")}
	if !strings.HasPrefix(p.Of, "cus_") {
		p.Of = ""
	}
	back := "/records/" + id
	if p.Of != "" {
		back += "?" + url.Values{"of": {p.Of}}.Encode()
	}
	p.View = viewOf(*r, back)
	p.base = v.base(p.View.Title, "customers")
	for _, part := range r.Parts {
		p.Parts = append(p.Parts, viewOf(part, back))
	}
	if len(p.View.States) > 0 {
		p.Undo = &revertForm{Record: id, Label: "all edits of this record", Back: back}
	}
	p.Banner = editBanner(p.View, back, v.URL.Query().Get("did"), v.URL.Query())
	p.Origin, err = v.client.Origin(v.ctx(), id)
	return show("record", p), err
}
