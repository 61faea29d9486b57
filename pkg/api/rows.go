package api

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strings"

	"reseed/pkg/api/wire"
	"reseed/pkg/billing"
	"reseed/pkg/edit"
	"reseed/pkg/httpapi"
	"reseed/pkg/job"
	"reseed/pkg/rows"
	"reseed/pkg/source"
	"reseed/pkg/store"
)

// listRows is GET /v1/data_sources/:uuid/rows: a page of the rows of a dataset, in the columns of
// files.
func listRows(c *call) (httpapi.Reply, error) {
	a, src, err := c.Records.Source(c.Context(), c.PathValue("uuid"))
	if err != nil {
		return httpapi.Reply{}, err
	}
	ds := c.Param("dataset")
	if ds == "" {
		return httpapi.Reply{}, httpapi.Missing("dataset")
	}
	r, err := rows.NewReader(c.Store, a.Directory, src, billing.Dataset(ds))
	if err != nil {
		return httpapi.Reply{}, httpapi.Unusable("dataset")
	}
	filter, after, size, err := c.rowQuery(r)
	if err != nil {
		return httpapi.Reply{}, err
	}
	page, err := r.Page(c.Context(), filter, after, size)
	if err != nil {
		return httpapi.Reply{}, err
	}
	if c.Param("amounts") == source.AmountsUnits {
		r.InUnits(page.Rows)
	}
	return httpapi.Reply{Status: http.StatusOK, Body: answerRows(r, ds, page)}, nil
}

// rowQuery reads which rows a request wants.
func (c *call) rowQuery(r *rows.Reader) (f rows.Filter, after rows.Place, size int, err error) {
	f = rows.Filter{ExternalID: c.Param("external_id"), Email: strings.TrimSpace(c.Param("email")), State: rows.State(c.Param("state"))}
	if size, err = c.PerPage(); err != nil {
		return f, after, size, err
	}
	after, there := placeIn(c.Param("cursor"))
	switch {
	case !there:
		err = httpapi.Unusable("cursor")
	case f.State != "" && !slices.Contains(rows.States(), f.State):
		err = httpapi.Unusable("state")
	case !slices.Contains([]string{"", source.AmountsCents, source.AmountsUnits}, c.Param("amounts")):
		err = httpapi.Unusable("amounts")
	case f.Email != "" && !r.HasEmail():
		err = httpapi.Unusable("email")
	}
	return f, after, size, err
}

// placeIn reads a cursor; an empty one is the beginning.
func placeIn(cursor string) (at rows.Place, ok bool) {
	if cursor == "" {
		return at, true
	}
	text, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil || strings.ContainsAny(cursor, "\r\n") { // which the decoder passes over
		return at, false
	}
	return rows.ParsePlace(string(text))
}

func cursorOf(at rows.Place) *string {
	text := base64.RawURLEncoding.EncodeToString([]byte(at.String()))
	return &text
}

// answerRows is a page as JSON. It ends where the answer is full.
func answerRows(r *rows.Reader, ds string, page rows.Page) httpapi.Listed {
	head := struct {
		Dataset string        `json:"dataset"`
		Columns []wire.Column `json:"columns"`
	}{Dataset: ds}
	for _, f := range r.Columns() {
		head.Columns = append(head.Columns, wire.Column{Name: f.Column, Field: f.Name, Is: f.Is, In: f.In})
	}
	tail := struct {
		Searched int `json:"searched"`
		httpapi.Paged
	}{Searched: page.Searched}
	if page.Next != nil {
		tail.Cursor, tail.HasMore = cursorOf(*page.Next), true
	}
	list := httpapi.Elements{Most: len(page.Rows)}
	for i := range page.Rows {
		if !list.Add(wireOfRow(billing.Dataset(ds), &page.Rows[i])) {
			tail.Cursor, tail.HasMore = cursorOf(page.Rows[i-1].Place), true
			break
		}
	}
	return httpapi.Listed{Before: head, Name: "rows", Elements: list, Behind: tail}
}

func wireOfRow(ds billing.Dataset, r *rows.Row) wire.Row {
	w := wire.Row{
		ID: r.ID, Customer: r.Customer, Cells: r.Cells, Currency: r.Currency,
		Disabled: wireOfMark(r.Edits.Disabled), Deleted: wireOfMark(r.Edits.Deleted),
		InvoiceDisabled: wireOfMark(r.Of.Disabled), InvoiceDeleted: wireOfMark(r.Of.Deleted), AddedAt: r.Added, ChangedAt: r.Changed,
	}
	if last := r.Edits.Latest(); last != nil {
		w.Edited = &wire.RowEdit{Mark: *wireOfMark(last)}
		for attr := range r.Edits.Fields {
			w.Edited.Fields = append(w.Edited.Fields, store.AttrField(ds, attr))
		}
		slices.Sort(w.Edited.Fields)
	}
	return w
}

func wireOfMark(m *edit.Mark) *wire.Mark {
	if m == nil {
		return nil
	}
	return &wire.Mark{Author: m.By, At: m.Time()}
}

// countRemaining is GET /v1/imports/:id/remaining: how many of the rows that an import has added are
// still there. Each request reads a part of the source.
func countRemaining(c *call) (httpapi.Reply, error) {
	j, err := c.findJob(job.Import)
	if err != nil {
		return httpapi.Reply{}, err
	}
	var count rows.Count
	if v := c.Param("cursor"); v != "" {
		var ok bool
		if count, ok = rows.ParseCount(v); !ok {
			return httpapi.Reply{}, httpapi.Unusable("cursor")
		}
	}
	a, err := c.Records.Account(c.Context())
	if err != nil {
		return httpapi.Reply{}, err
	}
	src, there := a.ByTag(j.Tag)
	if !there { // and nothing of what was in it
		return httpapi.Reply{Status: http.StatusOK, Body: wire.Remaining{Rows: wire.Items{}}}, nil
	}
	count, searched, err := rows.Remaining(c.Context(), c.Store, a.Directory, src, job.Number(j.ID), count)
	if err != nil {
		return httpapi.Reply{}, err
	}
	w := wire.Remaining{Rows: count.Rows, Searched: searched, HasMore: !count.Done}
	if w.HasMore {
		cursor := count.Cursor()
		w.Cursor = &cursor
	}
	return httpapi.Reply{Status: http.StatusOK, Body: w}, nil
}
