package api

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"reseed/pkg/api/wire"
	"reseed/pkg/edit"
	"reseed/pkg/httpapi"
	"reseed/pkg/person"
	"reseed/pkg/records"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// customerHead is the head of lists about one customer.
type customerHead struct {
	Customer string `json:"customer"`
}

// listMembers is GET /v1/customers/:uuid/members: the source customers that people see as the one of
// the path, or as the one that it is merged into. The cursor is the id of the last one.
func listMembers(c *call) (httpapi.Reply, error) {
	size, err := c.PerPage()
	if err != nil {
		return httpapi.Reply{}, err
	}
	a, _, g, err := c.Records.Group(c.Context(), c.PathValue("uuid"))
	if err != nil {
		return httpapi.Reply{}, err
	}
	rest := g
	if v := c.Param("cursor"); v != "" {
		at := slices.IndexFunc(g, func(m *edit.Member) bool { return m.CustomerID() == v })
		if at < 0 {
			return httpapi.Reply{}, httpapi.Unusable("cursor")
		}
		rest = g[at+1:]
	}
	list, tail, viewer := httpapi.Elements{}, httpapi.Paged{}, person.NewViewer(c.Store, a.Directory)
	for _, m := range rest {
		if tail.HasMore = list.Len() == size; tail.HasMore {
			break
		}
		w, err := viewer.Member(c.Context(), g, m)
		if err != nil {
			return httpapi.Reply{}, err
		}
		if tail.HasMore = !list.Add(w); tail.HasMore {
			break
		}
		tail.Cursor = &w.ID
	}
	return httpapi.Reply{Status: http.StatusOK, Body: httpapi.Listed{Before: customerHead{g[0].CustomerID()}, Name: "members", Elements: list, Behind: tail}}, nil
}

// maxTimeline is the most entries of a page of a timeline: each is read with its parts.
const maxTimeline = 50

// getTimeline is GET /v1/customers/:uuid/timeline: the invoices and subscription events of a customer
// with all that are merged into it, newest first.
func getTimeline(c *call) (httpapi.Reply, error) {
	size, err := c.PerPage()
	if err != nil {
		return httpapi.Reply{}, err
	}
	size = min(size, maxTimeline)
	var after *records.Moment
	if v := c.Param("cursor"); v != "" {
		if after = parseMoment(v); after == nil {
			return httpapi.Reply{}, httpapi.Unusable("cursor")
		}
	}
	a, _, g, err := c.Records.Group(c.Context(), c.PathValue("uuid"))
	if err != nil {
		return httpapi.Reply{}, err
	}
	list, tail, err := c.timeline(a, g, after, size)
	return httpapi.Reply{Status: http.StatusOK, Body: httpapi.Listed{Before: customerHead{g[0].CustomerID()}, Name: "entries", Elements: list, Behind: tail}}, err
}

// timeline makes a page. It goes on while records of moments turn out to be gone.
func (c *call) timeline(a records.Account, g edit.Group, after *records.Moment, size int) (list httpapi.Elements, tail httpapi.Paged, err error) {
	owners := make([]edit.Ref, len(g))
	for i, m := range g {
		owners[i] = m.Ref
	}
	viewer := person.NewViewer(c.Store, a.Directory)
	for {
		want := size + 1 - list.Len()
		moments, err := c.Records.Timeline(c.Context(), a, owners, after, want)
		if err != nil {
			return list, tail, err
		}
		views, err := viewer.Views(c.Context(), belongings(moments))
		if err != nil {
			return list, tail, err
		}
		for i, m := range moments {
			if views[i] == nil {
				continue
			}
			entry := wire.TimelineEntry{At: time.UnixMilli(m.At).UTC(), Customer: m.Owner.CustomerID(), Record: *views[i]}
			if tail.HasMore = list.Len() == size || !list.Add(entry); tail.HasMore {
				return list, tail, nil
			}
			cursor := momentCursor(m)
			tail.Cursor = &cursor
		}
		if len(moments) < want {
			return list, tail, nil
		}
		after = &moments[len(moments)-1]
	}
}

func belongings(moments []records.Moment) []person.Belonging {
	out := make([]person.Belonging, len(moments))
	for i, m := range moments {
		out[i] = person.Belonging{Owner: m.Owner, SK: m.SK}
	}
	return out
}

// momentCursor spells a moment as the cursor of the page that it ends: time, source and key hold no
// personal data.
func momentCursor(m records.Moment) string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(m.At, 10) + "." + strconv.FormatUint(uint64(m.Owner.Tag), 10) + "." + m.SK))
}

// parseMoment reads what momentCursor wrote; nil for anything else. It leaves out the customer, which
// does not matter for the order.
func parseMoment(cursor string) *records.Moment {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	at, rest, _ := strings.Cut(string(raw), ".")
	tag, sk, ok := strings.Cut(rest, ".")
	ms, err2 := strconv.ParseInt(at, 10, 64)
	n, err3 := strconv.ParseUint(tag, 10, 18)
	k := store.RecordAt(sk)
	if err != nil || err2 != nil || err3 != nil || !ok || k == nil || k.Part || strings.ContainsAny(cursor, "\r\n") { // which the decoder passes over
		return nil
	}
	return &records.Moment{Owner: edit.Ref{Tag: store.Tag(n)}, SK: sk, At: ms}
}

// getRecord is GET /v1/records/:id: a customer, plan, invoice, line item or transaction with all its
// fields, imported and edited, and with its parts.
func getRecord(c *call) (httpapi.Reply, error) {
	a, src, it, err := c.record()
	if err != nil {
		return httpapi.Reply{}, err
	}
	w, err := person.NewViewer(c.Store, a.Directory).Record(c.Context(), src, it)
	return httpapi.Reply{Status: http.StatusOK, Body: w}, err
}

// record finds the stored record of the path.
func (c *call) record() (a records.Account, src store.Source, it table.Item, err error) {
	a, rec, n, err := c.Records.Edited(c.Context(), c.PathValue("id"))
	if err == nil && n.Orphan { // only edits of it are stored
		err = records.Absent(records.WhatRecord)
	}
	src, _ = a.ByTag(rec.Space.Tag)
	return a, src, table.Item{Key: rec.Key, Attrs: rec.Base}, err
}
