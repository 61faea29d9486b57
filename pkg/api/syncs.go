package api

import (
	"net/http"
	"time"

	"reseed/pkg/api/wire"
	"reseed/pkg/httpapi"
	"reseed/pkg/puller"
	"reseed/pkg/source/sheets"
)

// getSyncs is GET /v1/data_sources/:uuid/syncs: what the source pulls from, and how that goes.
func getSyncs(c *call) (httpapi.Reply, error) {
	src, err := c.source()
	if err != nil {
		return httpapi.Reply{}, err
	}
	s, err := c.Syncs.Status(c.Context(), src.Tag)
	if err != nil {
		return httpapi.Reply{}, err
	}
	w := wireOfSyncs(s)
	w.Connection = c.wireOfConnection(s.System)
	return httpapi.Reply{Status: http.StatusOK, Body: w}, nil
}

// startSync is POST /v1/data_sources/:uuid/syncs. With {"plan": true} the pull stops before it writes
// anything. Of a billing system it may be about one customer alone, or reprocess what the last pull has read.
func startSync(c *call) (httpapi.Reply, error) {
	src, err := c.source()
	if err != nil {
		return httpapi.Reply{}, err
	}
	f, err := c.FieldsIfAny()
	if err != nil {
		return httpapi.Reply{}, err
	}
	f.Only("plan", "mail", "customer", "reprocess")
	r := puller.Request{Plan: f.Truth("plan"), Customer: f.Text("customer"), Reprocess: f.Truth("reprocess"), By: c.Author, Quiet: quiet(f)}
	if f.Has("customer") && r.Customer == "" {
		f.Fail("customer", "must be the external id of a customer")
	}
	if err := f.Refused(); err != nil {
		return httpapi.Reply{}, err
	}
	j, err := c.Syncs.Start(c.Context(), src.UUID, r)
	return answerJob(http.StatusAccepted, j, withoutSource(err))
}

// changeSyncs is PATCH /v1/data_sources/:uuid/syncs: it connects the source with a spreadsheet, and
// sets when it is pulled. What is not given stays.
func changeSyncs(c *call) (httpapi.Reply, error) {
	src, err := c.source()
	if err != nil {
		return httpapi.Reply{}, err
	}
	f, err := c.Fields()
	if err != nil {
		return httpapi.Reply{}, err
	}
	f.Only("spreadsheet", "every", "max_changed", "max_removed")
	change := puller.Change{MaxChanged: percentage(f, "max_changed"), MaxRemoved: percentage(f, "max_removed")}
	if text := f.Text("spreadsheet"); f.Has("spreadsheet") {
		change.Spreadsheet = &text
	}
	if text := f.Text("every"); f.Has("every") {
		every, err := wire.ParseEvery(text)
		if err != nil {
			f.Fail("every", "must be a time such as 6h or 30m, or never")
		}
		change.Every = &every
	}
	if err := f.Refused(); err != nil {
		return httpapi.Reply{}, err
	}
	if _, err := c.Syncs.Set(c.Context(), src.Tag, change); err != nil {
		return httpapi.Reply{}, withoutSource(err)
	}
	return getSyncs(c)
}

// percentage reads a member that is a percentage; nil if it is not given. Others check its range.
func percentage(f *httpapi.Fields, name string) *int {
	n := f.Whole(name)
	if n == nil {
		return nil
	}
	share := int(*n)
	return &share
}

func wireOfSyncs(s puller.Status) wire.Syncs {
	w := wire.Syncs{
		Spreadsheet: s.Spreadsheet, SpreadsheetURL: addressOf(s.Spreadsheet), Every: wire.FormatEvery(s.Every), Skipped: s.Skipped, ShareWith: s.ShareWith,
		MaxChanged: s.Changed(), MaxRemoved: s.Removed(),
	}
	if s.Every > 0 {
		next := s.Next.UTC().Truncate(time.Second)
		w.Next = &next
	}
	if s.Latest != nil {
		latest := wireOfJob(s.Latest)
		w.Latest = &latest
	}
	return w
}

// addressOf is the address of a spreadsheet; empty if there is none.
func addressOf(spreadsheet string) string {
	if spreadsheet == "" {
		return ""
	}
	return sheets.Address(spreadsheet)
}
