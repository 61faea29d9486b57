package chartmogul

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"reseed/pkg/edit"
	"reseed/pkg/fault"
	"reseed/pkg/records"
	"reseed/pkg/store"
)

const (
	typeNDJSON   = "application/x-ndjson"
	formatNDJSON = "ndjson"
)

// editWire is one edit of a record in the list of all edits of a source. What is not of it is left out.
type editWire struct {
	ID         string               `json:"id"`
	What       []string             `json:"what"`
	Orphaned   bool                 `json:"orphaned"`
	Author     string               `json:"author,omitempty"`
	ChangedAt  *time.Time           `json:"changed_at,omitempty"`
	Tags       []string             `json:"tags,omitempty"`
	Attributes map[string]any       `json:"attributes,omitempty"`
	Fields     map[string]fieldWire `json:"fields,omitempty"`
	Disabled   *markWire            `json:"disabled,omitempty"`
	Deleted    *markWire            `json:"deleted,omitempty"`
	MergedInto *string              `json:"merged_into,omitempty"`
	MergedFrom []string             `json:"merged_from,omitempty"`
}

type markWire struct {
	Author string    `json:"author"`
	At     time.Time `json:"at"`
}

// fieldWire is a changed field. Value is null of one that was emptied.
type fieldWire struct {
	Value any `json:"value"`
	markWire
}

type droppedWire struct {
	Dropped int `json:"dropped"`
}

func editWireOf(n *edit.Entry) editWire {
	w := editWire{
		ID: n.ID, What: append([]string{}, n.What()...), Orphaned: n.Orphan, Author: n.By, Tags: n.Tags,
		Attributes: edit.Custom(n.Attributes), Fields: map[string]fieldWire{},
		Disabled: markOf(n.Row.Disabled), Deleted: markOf(n.Row.Deleted),
	}
	if n.At.UnixMilli() > 0 {
		w.ChangedAt = &n.At
	}
	for attr, f := range n.Row.Fields {
		w.Fields[memberOf(attr)] = fieldWire{valueOf(attr, f), *markOf(&f.Mark)}
	}
	if into := n.Merge.Into; into != nil {
		id := into.CustomerID()
		w.MergedInto = &id
	}
	for _, r := range n.Merge.From {
		w.MergedFrom = append(w.MergedFrom, r.CustomerID())
	}
	return w
}

func markOf(m *edit.Mark) *markWire {
	if m == nil {
		return nil
	}
	return &markWire{m.By, m.Time()}
}

func valueOf(attr string, f edit.Field) any {
	switch {
	case f.Str != nil:
		return *f.Str
	case f.Bool != nil:
		return *f.Bool
	case f.Int != nil && store.IsTime(attr):
		return time.UnixMilli(*f.Int).UTC()
	case f.Int != nil:
		return *f.Int
	}
	return nil
}

// listEdits is GET /v1/data_sources/:uuid/edits: all that people have done to the records of a source.
func listEdits(c *call) (reply, error) {
	format := c.param("format")
	if format != "" && format != formatNDJSON {
		return reply{}, unusable("format")
	}
	size, after, err := c.editPaging()
	if err != nil {
		return reply{}, err
	}
	a, src, err := c.Records.Source(c.Context(), c.PathValue("uuid"))
	if err != nil {
		return reply{}, err
	}
	if format == formatNDJSON {
		return reply{status: http.StatusOK, body: c.editLines(a, src), kind: typeNDJSON}, nil
	}
	list, tail := elements{}, paged{}
	for n, err := range c.Edits.All(c.Context(), a.Directory, src, after) {
		if err != nil {
			return reply{}, err
		}
		if c.flag("orphaned") && !n.Orphan {
			continue
		}
		if tail.HasMore = list.n == size || !list.add(editWireOf(n)); tail.HasMore {
			break
		}
		cursor := base64.RawURLEncoding.EncodeToString([]byte(n.Place.String()))
		tail.Cursor = &cursor
	}
	return reply{status: http.StatusOK, body: listed{name: "edits", elements: list, behind: tail}}, nil
}

// editPaging is paging with a cursor of its own kind.
func (c *call) editPaging() (size int, after edit.Place, err error) {
	size, err = c.perPage()
	if err != nil {
		return size, after, err
	}
	if v := c.param("cursor"); v != "" {
		raw, err := base64.RawURLEncoding.Strict().DecodeString(v)
		at, ok := edit.ParsePlace(string(raw))
		if err != nil || !ok {
			return size, after, unusable("cursor")
		}
		after = at
	}
	return size, after, nil
}

// editLines streams all edits, a line each. If something goes wrong on the way the last line is an error: a part must
// not look like the whole.
func (c *call) editLines(a records.Account, src store.Source) io.ReadCloser {
	r, w := io.Pipe()
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	go func() {
		err := c.encodeEdits(enc, a, src)
		if err != nil {
			c.Log.Error("a stream of edits broke off", slog.String("code", fault.CodeOf(err)), slog.String("error", err.Error()))
			err = enc.Encode(problemB{textBroken})
		}
		_ = w.CloseWithError(err) // never fails
	}()
	return r
}

// encodeEdits spells edits until all are, or nobody is there any more.
func (c *call) encodeEdits(enc *json.Encoder, a records.Account, src store.Source) error {
	orphaned := c.flag("orphaned")
	for n, err := range c.Edits.All(c.Context(), a.Directory, src, edit.Place{}) {
		if err != nil {
			return err
		}
		if n.Orphan || !orphaned {
			if enc.Encode(editWireOf(n)) != nil {
				return nil // nobody reads on
			}
		}
	}
	return nil
}

// dropEdits is DELETE /v1/data_sources/:uuid/edits?orphaned=true: the edits of records that are not there.
func dropEdits(c *call) (reply, error) {
	a, src, err := c.Records.Source(c.Context(), c.PathValue("uuid"))
	if err != nil {
		return reply{}, err
	}
	if !c.flag("orphaned") {
		return reply{}, missing("orphaned") // all edits are never meant
	}
	n, err := c.Edits.Drop(c.Context(), a.Directory, src)
	return reply{status: http.StatusOK, body: droppedWire{n}}, err
}

// getEdit is GET /v1/edits/:id: the changed fields of a record, and whether it is disabled or deleted.
func getEdit(c *call) (reply, error) {
	_, _, n, err := c.Records.Edited(c.Context(), c.PathValue("id"))
	if err != nil {
		return reply{}, err
	}
	return reply{status: http.StatusOK, body: editWireOf(n)}, nil
}

// revertEdit is DELETE /v1/edits/:id: it takes back the named fields, or else everything that getEdit shows.
func revertEdit(c *call) (reply, error) {
	var names []string
	if v := c.param("fields"); v != "" {
		for name := range strings.SplitSeq(v, ",") {
			names = append(names, attrOf(strings.TrimSpace(name)))
		}
	}
	n, err := c.Records.Revert(c.Context(), c.PathValue("id"), func(n *edit.Entry) ([]string, error) {
		if slices.ContainsFunc(names, func(name string) bool { _, ok := n.Row.Fields[name]; return !ok }) {
			return nil, refused(map[string]string{"fields": "must be names of changed fields"})
		}
		return names, nil
	})
	if err != nil {
		return reply{}, err
	}
	return reply{status: http.StatusOK, body: editWireOf(n)}, nil
}
