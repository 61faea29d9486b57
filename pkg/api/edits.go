package api

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"

	"reseed/pkg/api/wire"
	"reseed/pkg/edit"
	"reseed/pkg/fault"
	"reseed/pkg/httpapi"
	"reseed/pkg/job"
	"reseed/pkg/person"
	"reseed/pkg/records"
	"reseed/pkg/store"
)

const (
	typeNDJSON   = "application/x-ndjson"
	formatNDJSON = "ndjson"
)

// listEdits is GET /v1/data_sources/:uuid/edits: everything that people have done to the records of
// a source.
func listEdits(c *call) (httpapi.Reply, error) {
	format := c.Param("format")
	if format != "" && format != formatNDJSON {
		return httpapi.Reply{}, httpapi.Unusable("format")
	}
	size, after, err := c.editPaging()
	if err != nil {
		return httpapi.Reply{}, err
	}
	a, src, err := c.Records.Source(c.Context(), c.PathValue("uuid"))
	if err != nil {
		return httpapi.Reply{}, err
	}
	if format == formatNDJSON {
		return httpapi.Reply{Status: http.StatusOK, Body: c.editLines(a, src), Kind: typeNDJSON}, nil
	}
	number, err := c.addedBy()
	if err != nil {
		return httpapi.Reply{}, err
	}
	return c.editPage(a, src, after, size, number)
}

// editPage is a page of the edits behind a place: of orphans, if the query asks for them, and of records
// that the import of a number added, unless that is 0.
func (c *call) editPage(a records.Account, src store.Source, after edit.Place, size int, number int64) (httpapi.Reply, error) {
	list, tail, searched := httpapi.Elements{}, httpapi.Paged{}, 0
	for n, err := range c.Records.Edits.All(c.Context(), a.Directory, src, after) {
		switch {
		case err != nil:
			return httpapi.Reply{}, err
		case c.Flag("orphaned") && !n.Orphan:
			continue
		case number != 0 && n.Import != number:
			if searched++; searched < mostEditsSearched {
				continue
			}
			cursor := cursorOfEdit(n)
			tail.Cursor, tail.HasMore = &cursor, true
		case list.Len() == size || !list.Add(person.WireEdit(n)):
			tail.HasMore = true
		default:
			cursor := cursorOfEdit(n)
			tail.Cursor = &cursor
		}
		if tail.HasMore {
			break
		}
	}
	return httpapi.Reply{Status: http.StatusOK, Body: httpapi.Listed{Name: "edits", Elements: list, Behind: tail}}, nil
}

// mostEditsSearched is how many edits a page of a filter passes over at most.
const mostEditsSearched = 10_000

// cursorOfEdit leads to the edits behind one.
func cursorOfEdit(n *edit.Entry) string {
	return base64.RawURLEncoding.EncodeToString([]byte(n.Place.String()))
}

// addedBy is the number of the import of which the query names the job; 0 if it names none.
func (c *call) addedBy() (int64, error) {
	id := c.Param("added_by")
	switch {
	case id == "":
		return 0, nil
	case !jobID(id) || job.Number(id) == 0:
		return 0, httpapi.Unusable("added_by")
	}
	return job.Number(id), nil
}

// editPaging reads per_page and the cursor of a list of edits.
func (c *call) editPaging() (size int, after edit.Place, err error) {
	size, err = c.PerPage()
	if err != nil {
		return size, after, err
	}
	if v := c.Param("cursor"); v != "" {
		raw, err := base64.RawURLEncoding.Strict().DecodeString(v)
		at, ok := edit.ParsePlace(string(raw))
		if err != nil || !ok || strings.ContainsAny(v, "\r\n") { // which the decoder passes over
			return size, after, httpapi.Unusable("cursor")
		}
		after = at
	}
	return size, after, nil
}

// editLines streams all edits, a line each. If something fails on the way, the last line is an
// error: a part must not look like the whole.
func (c *call) editLines(a records.Account, src store.Source) io.ReadCloser {
	r, w := io.Pipe()
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	go func() {
		err := c.encodeEdits(enc, a, src)
		if err != nil {
			c.Log.Error("a stream of edits broke off", slog.String("code", fault.CodeOf(err)), slog.String("error", err.Error()))
			err = enc.Encode(httpapi.Broken())
		}
		_ = w.CloseWithError(err) // never fails
	}()
	return r
}

// encodeEdits writes all edits, or stops when the client has gone.
func (c *call) encodeEdits(enc *json.Encoder, a records.Account, src store.Source) error {
	orphaned := c.Flag("orphaned")
	for n, err := range c.Records.Edits.All(c.Context(), a.Directory, src, edit.Place{}) {
		if err != nil {
			return err
		}
		if n.Orphan || !orphaned {
			if enc.Encode(person.WireEdit(n)) != nil {
				return nil // the client has gone
			}
		}
	}
	return nil
}

// dropEdits is DELETE /v1/data_sources/:uuid/edits?orphaned=true: it drops the edits of records
// that are not there.
func dropEdits(c *call) (httpapi.Reply, error) {
	a, src, err := c.Records.Source(c.Context(), c.PathValue("uuid"))
	if err != nil {
		return httpapi.Reply{}, err
	}
	if !c.Flag("orphaned") {
		return httpapi.Reply{}, httpapi.Missing("orphaned") // there is no request to drop all edits
	}
	n, err := c.Records.Edits.Drop(c.Context(), a.Directory, src)
	return httpapi.Reply{Status: http.StatusOK, Body: wire.Dropped{Dropped: n}}, err
}

// getEdit is GET /v1/edits/:id: the changed fields of a record, and whether it is disabled or
// deleted.
func getEdit(c *call) (httpapi.Reply, error) {
	_, _, n, err := c.Records.Edited(c.Context(), c.PathValue("id"))
	if err != nil {
		return httpapi.Reply{}, err
	}
	return httpapi.Reply{Status: http.StatusOK, Body: person.WireEdit(n)}, nil
}

// revertEdit is DELETE /v1/edits/:id: it takes back the named fields, or else everything that
// getEdit shows.
func revertEdit(c *call) (httpapi.Reply, error) {
	var names []string
	if v := c.Param("fields"); v != "" {
		for name := range strings.SplitSeq(v, ",") {
			names = append(names, records.AttrOf(strings.TrimSpace(name)))
		}
	}
	n, err := c.Records.Revert(c.Context(), c.PathValue("id"), func(n *edit.Entry) ([]string, error) {
		if slices.ContainsFunc(names, func(name string) bool { _, ok := n.Row.Fields[name]; return !ok }) {
			return nil, httpapi.Refused(map[string]string{"fields": "must be names of changed fields"})
		}
		return names, nil
	})
	if err != nil {
		return httpapi.Reply{}, err
	}
	return httpapi.Reply{Status: http.StatusOK, Body: person.WireEdit(n)}, nil
}
